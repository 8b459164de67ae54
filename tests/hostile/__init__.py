"""What somebody who means no good hands over, and what it must not do."""

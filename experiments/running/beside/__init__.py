"""What is followed beside a world of one arm: its own pages, control's, other trainings."""

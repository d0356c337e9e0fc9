"""What a stranger's folder holds: which files are pictures and masks, what the masks mean, and how they divide."""

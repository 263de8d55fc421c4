"""What was compiled before is kept and found again."""

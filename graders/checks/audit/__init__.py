"""What `graders audit` needs of this course: faults of deep learning, and what was found out about survivors."""

"""What turns traditional Chinese into simplified."""

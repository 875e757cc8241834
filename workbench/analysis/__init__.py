"""What follows from an attribution: steps, idle time, launches, copies, shares."""

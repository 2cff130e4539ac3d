"""What touches the world: the journal file, the list file, the clock, the indicator, the control socket."""

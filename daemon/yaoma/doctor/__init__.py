"""The doctor: looks at everything a box needs, names what is wrong by its cause, and says what to do first."""

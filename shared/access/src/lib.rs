//! Who may do what: the decision every handler needs before it touches anything.

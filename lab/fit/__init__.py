"""From recorded runs to the numbers that the inference runs on, and to what they are worth.

recordings  runs with a known truth -> outcomes of each rule at each step (by replay)
counts      outcomes -> likelihoods, shrunk towards the place, the branch and all faults
forward     the filter on many runs at once, in floating point, for fitting alone
temper      powers on the rules, fitted on held-out runs
score       what is published: right, inner, wrong, false notices, calibration
"""

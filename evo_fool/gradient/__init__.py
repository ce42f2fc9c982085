"""Pictures found by following gradients: the white-box counterpart of evolution, method by method.

Each method is a generator of :class:`~evo_fool.gradient.step.Step`, a pure function of classifier, photographs,
settings and seed; :mod:`evo_fool.session.gradient_run` makes a run of its steps.
"""

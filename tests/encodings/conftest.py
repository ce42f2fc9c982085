"""No deadlines for properties of kernels: the first example compiles."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")

"""What can go wrong with models. RegistryUnreachable and RoundUnderWay pass; all others come again.

MlError
├── NotEnoughData        nothing to learn from, or to measure by
├── DataRefused          a file of interactions that isn't one, with the line
├── ArtifactDamaged      a saved model that isn't whole, or isn't one
├── ModelUnknown         no model of that name, and no class at that import path
├── ParameterRefused     a parameter that the model doesn't have or can't take
├── Leaked               what is to be predicted was known in training
├── NotComparable        figures of different cases
├── SearchFailed         no trial of a search for parameters came to its end
├── RoundUnderWay        another round of retraining runs
├── RegistryUnreachable  the registry doesn't answer, now
└── RegistryRefused      it does, and it has no such thing, or won't do that
"""


class MlError(Exception):
    """Whatever models, training and evaluation raise by themselves."""


class NotEnoughData(MlError):
    pass


class DataRefused(MlError):
    pass


class ArtifactDamaged(MlError):
    pass


class ModelUnknown(MlError):
    pass


class ParameterRefused(MlError):
    pass


class Leaked(MlError):
    pass


class NotComparable(MlError):
    pass


class SearchFailed(MlError):
    pass


class RoundUnderWay(MlError):
    pass


class RegistryUnreachable(MlError):
    pass


class RegistryRefused(MlError):
    pass

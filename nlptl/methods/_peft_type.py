"""Registers a PEFT method from outside PEFT; all that this takes from PEFT's insides is imported here."""

from importlib.metadata import version

from nlptl.core.errors import InputError

KNOWN = "0.21"  # and later versions, as long as tests/test_private_apis.py passes


def _unknown(error: Exception) -> InputError:
    found = f"peft {version('peft')} and transformers {version('transformers')}"
    return InputError(
        f"nlptl's adapters need what peft {KNOWN} has, and cannot be registered with {found}: {error!r}; "
        f"pip install 'peft=={KNOWN}.*', or choose another method, such as lora"
    )


try:
    from peft import PeftConfig
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
    from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_target_module_exists
    from peft.utils import PeftType, register_peft_method
    from peft.utils.other import AuxiliaryTrainingWrapper
except ImportError as error:
    raise _unknown(error) from error

__all__ = [
    "AuxiliaryTrainingWrapper",
    "BaseTuner",
    "BaseTunerLayer",
    "check_target_module_exists",
    "extend_peft_type",
    "register",
]


def register(name: str, config_cls: type[PeftConfig], model_cls: type[BaseTuner]) -> None:
    """Makes PEFT and transformers find a tuner under `name` when they build, save or load an adapter.

    A name that is already registered is not registered again, so importing twice does no harm.

    Args:
        name: lower case; its upper case becomes the member of `PeftType`, and `name_` begins the tuner's parameters.
        config_cls: the subclass of `PeftConfig`.
        model_cls: the subclass of `BaseTuner`.

    Raises:
        InputError: registration works differently in this version of PEFT.
    """
    try:
        if extend_peft_type(name.upper()) not in PEFT_TYPE_TO_CONFIG_MAPPING:
            register_peft_method(name=name, config_cls=config_cls, model_cls=model_cls)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unknown(error) from error


def extend_peft_type(key: str) -> PeftType:
    """Returns the member `key` of `PeftType`, which is added if it is missing.

    `register_peft_method` accepts members of this closed enum only, and transformers reads the member's `.value`, so a
    plain string will not do (peft 0.21 offers no other way in; see peft#2273).

    Args:
        key: upper case; both the member's name and its value.
    """
    if key not in PeftType.__members__:
        member = str.__new__(PeftType, key)
        member._name_ = member._value_ = key
        member._sort_order_ = len(PeftType)  # type: ignore[attr-defined]  # private to enum
        PeftType._member_names_.append(key)
        PeftType._member_map_[key] = PeftType._value2member_map_[key] = member
        type.__setattr__(PeftType, key, member)  # the enum's own __setattr__ refuses new members
    return PeftType[key]

# SPDX-License-Identifier: Apache-2.0
"""A configuration with comments, which runs as it is."""

EXAMPLE = """\
# A training that runs as it is, in about half a minute: three simulated rhythms, a small network.
# precordia train --example > training.toml && precordia train training.toml

output = "trained"            # folder for the model, its scores and the log

[data]
simulated = 240               # so many simulated recordings
scenarios = ["sinus", "atrial-fibrillation", "left-bundle-block"]
# In place of these two lines, real ones:
# store = "ptbxl.store"       # a folder that 'precordia dataset build' wrote
# or
# database = "ptbxl"          # a name of 'precordia dataset list',
# folder = "ptbxl"            # where its files are,
# labels = "superdiagnostic"  # and which of its labels
# train = [1, 2, 3, 4, 5, 6, 7, 8]   # folds; without them the published parts, or by patient
# validation = [9]
task = "multilabel"           # or "multiclass", where classes exclude each other, or
# task = "regression"         # numbers:
# targets = ["qrs_ms"]        # age_years, or what 'precordia measure' gives
# task = "waves"              # background, P, QRS or T for each sample: name = "unet1d" below
# classes = ["sinus"]         # all by default
# cache = "windows"           # where prepared windows are kept
# jobs = 4                    # processes that prepare them

[model]
name = "resnet1d"             # see precordia.models.architectures.list_models()
options = { width = 8 }
# weights = "folder"          # start from a model that was saved
leads = ["I", "II", "V1", "V2", "V5", "V6"]
fs = 100
seconds = 5

# [input] says how recordings become windows, as in a model's card. Without it: millivolts above
# 0.5 Hz, from the middle of the recording.

[training]
epochs = 6
batch_size = 16
lr = 0.005
patience = 10                 # epochs without a better score; 0 never stops early
average = 0.98                # running average of the weights; 0 for none
seed = 1
# precision = "auto"          # bfloat16 where the processor or accelerator is made for it
# device = "cpu"              # by default an accelerator where there is one

[[augment]]
name = "gain"

[[augment]]
name = "shift"
seconds = 0.2
"""


def example_configuration() -> str:
    """Return a configuration with comments, which runs as it is.

    Examples
    --------
    >>> import tomllib
    >>> tomllib.loads(example_configuration())["model"]["name"]
    'resnet1d'
    """
    return EXAMPLE

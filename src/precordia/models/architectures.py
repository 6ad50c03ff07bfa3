# SPDX-License-Identifier: Apache-2.0
"""The table of models: name, class and card of each. Listing them loads no PyTorch."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from precordia.core.errors import unknown_name
from precordia.models.model_card import ModelCard, read_model_card

#: name of each model and the class that makes it; its card has the same name as its file
ARCHITECTURES = {
    "resnet1d": "precordia.models.resnet1d:ResNet1d",
    "resnet1d-wang": "precordia.models.resnet1d_wang:ResNet1dWang",
    "xresnet1d50": "precordia.models.xresnet1d50:XResNet1d50",
    "xresnet1d101": "precordia.models.xresnet1d101:XResNet1d101",
    "inception1d": "precordia.models.inception1d:Inception1d",
    "net1d": "precordia.models.net1d:Net1d",
    "effnet1d": "precordia.models.effnet1d:EffNet1d",
    "proto-ecg": "precordia.models.proto_ecg:ProtoEcg",
    "merl-resnet": "precordia.models.merl_resnet:MerlResNet",
    "merl-vit": "precordia.models.merl_vit:MerlViT",
    "ts2vec": "precordia.models.ts2vec:Ts2Vec",
    "s4": "precordia.models.s4:S4",
    "vit1d": "precordia.models.vit1d:ViT1d",
    "vit1d-leads": "precordia.models.vit1d_leads:ViT1dLeads",
    "weimann-jepa": "precordia.models.weimann_jepa:WeimannJepa",
    "kim-jepa": "precordia.models.kim_jepa:KimJepa",
    "ce-ssl": "precordia.models.ce_ssl:CeSsl",
    "heart-lang": "precordia.models.heart_lang:HeartLang",
    "lead-agnostic": "precordia.models.lead_agnostic:LeadAgnostic",
    "lead-queries": "precordia.models.lead_queries:LeadQueriesViT",
    "ecg-fm": "precordia.models.ecg_fm:EcgFm",
    "ecg-cpc": "precordia.models.ecg_cpc:EcgCpc",
    "hubert-ecg": "precordia.models.hubert_ecg:HubertEcg",
    "melp": "precordia.models.melp:Melp",
    "xecg": "precordia.models.xecg:Xecg",
    "aligned-beats": "precordia.models.aligned_beats:AlignedBeatsNet",
    "unet1d": "precordia.models.unet1d:UNet1d",
}


def list_models() -> tuple[str, ...]:
    """Return the names of the models that `load_model` knows.

    Examples
    --------
    >>> "resnet1d" in list_models()
    True
    """
    return tuple(ARCHITECTURES)


@cache
def model_card(name: str) -> ModelCard:
    """Return the card of a model.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> model_card("resnet1d").fs
    100
    """
    if name not in ARCHITECTURES:
        raise unknown_name("model", str(name), ARCHITECTURES, listing="list_models()")
    return read_model_card(files("precordia.models") / f"{name.replace('-', '_')}.toml")

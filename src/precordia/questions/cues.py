# SPDX-License-Identifier: Apache-2.0
"""Small words that decide what is asked of a thing: how it compares, where, how surely."""

from __future__ import annotations

from functools import cache

from precordia.questions.vocabulary import Phrases, phrase_index

#: cue, and its wordings between bars; articles are left out before they are compared
_CUES = {
    "above": "above|above normal range|above normal|above normal limit|above range"
    "|over normal range|over normal|higher than normal|greater than normal"
    "|longer than normal|larger than normal|too long|too high|too wide|too large|too broad"
    "|too great|prolonged|prolongation|lengthened|exceed|exceeding|exceed normal range"
    "|exceed normal|exceed normal limit|exceeding normal range|beyond upper limit"
    "|beyond normal range|past upper limit|wide|widened|broad|broadened|elevated|increased"
    "|long|longer|more than|greater than|higher than|over upper limit|above upper limit"
    "|above reference range|higher than reference range|larger than|at least|over"
    "|wider than|longer than|faster than|exceed upper limit|above upper limit of normal"
    "|in excess of normal|broader than|taller than|deeper than|bigger than",
    "below": "below|below normal range|below normal|below normal limit|below range"
    "|under normal range|under normal|lower than normal|smaller than normal"
    "|less than normal|shorter than normal|too short|too low|too narrow|too small|short"
    "|shortened|narrow|narrowed|reduced|decreased|beneath normal range|beneath normal"
    "|under lower limit|below lower limit|less than|lower than|fewer than|shorter than"
    "|below reference range|short of normal range|under|at most|slower than|narrower than"
    "|fall short of normal range|below lower limit of normal",
    "within": "within|inside|within normal range|in normal range|within normal limit"
    "|within normal|inside normal range|in normal limit|normal range|within range|in range"
    "|normal limit|within reference range|in reference range|inside normal limit"
    "|neither too long nor too short|reference range",
    "outside": "out of range|outside normal range|outside normal limit|out of normal range"
    "|outside reference range|outside range|beyond normal limit|not in normal range"
    "|not within normal range|not within normal limit|out of it|outside it|outside of it",
    "normal": "normal|typical|standard|regular|unremarkable|healthy|fine|stable|ok|okay"
    "|ordinary|physiological|in order|normality",
    "abnormal": "abnormal|abnormality|anomaly|anomalous|irregular|irregularity|atypical"
    "|unusual|wrong|pathological|pathology|deviant|problem|amiss|suspicious|concerning"
    "|abnormally|non normal|noteworthy|nonstandard|non standard",
    "normalized": "normalized|normalize|normalizing|returned to normal|return to normal"
    "|back to normal|back in normal range|back within normal range|back into normal range"
    "|returned to normal range|come back to normal|become normal|became normal"
    "|turned normal|went back to normal|reverted to normal|recovered|improved"
    "|gone back to normal|returned to normal state|returned to standard|turn normal"
    "|getting normal|back within normal limit|returned to standard state"
    "|moved into normal range|entered normal range|come into normal range|went normal"
    "|gone normal|normal again",
    "deviated": "become abnormal|became abnormal|turned abnormal|newly abnormal"
    "|left normal range|leave normal range|leaving normal range|moved out of normal range"
    "|deviate|deviating|went out of range|worsened|gone out of range|turn abnormal"
    "|departed from normal|went abnormal|gone abnormal|lost normality"
    "|moved outside normal range|fallen out of normal range|denormalize|moved out of range"
    "|fell out of normal range|get abnormal|stopped being normal|depart|departed|departing"
    "|exit normal range|exited normal range|ceased to be normal|lost normal range",
    "gone": "gone|go away|went away|gone away|disappear|disappeared|disappearing|vanish"
    "|vanished|resolve|resolved|remove|removed|no longer|lost|lose|losing|cease|ceased"
    "|subside|subsided|not anymore|not any more|cleared|clear up|regress|regressed"
    "|eliminated|stopped|drop out|dropped out|faded|no more|ended|abated|dissolved|receded",
    "new": "new|newly|fresh|newly appeared|emerged|for first time|occurred newly|de novo"
    "|newly developed|newly emerged|freshly",
    "appears": "appear|appeared|appearing|emerge|emerging|develop|developed|acquired|arise"
    "|arose|arisen|onset|come up|came up|show up|added|additional|in addition|gained"
    "|started|begun|turned up|surfaced|come about",
    "still": "still|persist|persisted|persisting|persistent|remain|remained|remaining"
    "|continue|continued|stay|stayed|unchanged|same|retain|retained|maintain|maintained"
    "|sustained|kept|keep|as before|just as|as in|like before|as well as|likewise|ongoing"
    "|continuing|lasting|continuously|carried over|constantly|as they were|as it was|as it did"
    "|as they did|as did|as was",
    "both": "both|in common|common to|common|share|shared|alike|also|each|in each|either time|two",
    "neither": "neither",
    "not": "not|no|none|never|without|lack|lacked|lacking|absent|absence|missing|free of"
    "|free from|miss|devoid|nor|clear of",
    "first": "first|1st|former",
    "second": "second|2nd|latter",
    "previous": "previous|prior|last|earlier|preceding|before|past|older|previously|initial"
    "|ago|former one|old one|old ecg|old recording|old tracing|prior one|baseline ecg"
    "|baseline recording",
    "recent": "recent|current|latest|newer|follow up|most recent|present one|today"
    "|subsequent|later|this|now|nowadays|at present|presently|currently",
    "changed": "changed|difference|differ|different|compare|evolve|evolved|altered|evolution",
    "versus": "compared|comparison|versus|relative to|in contrast|as opposed to|unlike"
    "|since|vs|against",
    "but": "but|although|though|while|whereas|that|which were|,|;|and yet|yet|however",
    "uncertain": "uncertain|unsure|doubtful|questionable|tentative|unclear|suspected"
    "|uncertainty|ambiguous|doubt|not certain|not sure|possible|inconclusive|equivocal"
    "|borderline|vague|uncertainly|probable",
    "certain": "certain|definite|definitely|sure|confirmed|certainly|unequivocal"
    "|beyond doubt|surely|without doubt|undoubted|for sure|no doubt|clear cut|unambiguous"
    "|securely|undoubtedly|beyond question|established|with certainty",
    "exclude": "exclude|excluding|excluded|leave out|leaving out|left out|left aside"
    "|leaving aside|ignore|ignoring|ignored|omit|omitting|omitted|disregard|disregarding"
    "|except|aside|only|not count|not counting|apart from|discard|discarding|drop|dropping"
    "|other than|exclusion|without counting|not including|not uncertain|set aside|barring"
    "|rather than|with exception of|not considering|filter out",
    "or": "or|rather|either",
    "between": "between|of|among",
    "any": "any|kind|type|sort|at all|anything|whatever|some|everything|something|variety",
    "how": "how long|how wide|how fast|how high|how short|how big|how large|how low"
    "|how quick|how much|how many|how broad|how tall|how deep",
    "which": "which|what|where|how|list|name|identify|describe|enumerate|tell|give|specify"
    "|when|mention|report|state|show me|determine which|outline|summarize|characterize",
    "is": "is|are|was|were|doe|do|did|has|have|had|can|could|will|would|should|may|might"
    "|whether|if|does|am|been",
    "lead": "lead|channel|derivation",
    "diagnostic": "diagnostic|diagnosis|diagnose|diagnosed|disease|diagnostically",
    "form": "form|form related|morphology|morphological|morphologic|morphologically|shape"
    "|waveform|wave form|contour|wave shape",
    "rhythm": "rhythm|rhythm related|arrhythmia|rhythmic|cardiac rhythm|heart rhythm|rhythmical",
    "noise": "noise|noisy|distortion|distorted|signal distortion|artifact|interference"
    "|disturbance|disturbed|disturb|contamination|contaminated|noiseless|corrupted"
    "|signal quality problem",
    "axis": "axis|heart axis|electrical axis|cardiac axis|frontal axis|axis deviation",
    "stage": "stage|stadium|how old|age of|phase",
    "interval": "numeric feature|numerical feature|numeric|numerical|interval|measurement"
    "|duration|parameter|feature|value|number|attribute|quantitative|measure|metric"
    "|quantity|numeral",
    "finding": "change|finding|symptom|statement|sign|condition|characteristic|indication",
    "quality": "quality|readable|usable|interpretable|acceptable|legible|good enough|be read"
    "|recording quality|signal quality",
    "reversal": "lead reversal|swapped|electrode swap|leads swapped|reversed lead|lead swap"
    "|electrodes swapped|misplaced|lead misplacement|interchanged|leads reversed",
    "backwards": "reversed in time|time reversed|reversed time|time reversal|backwards|backward"
    "|back to front|wrong way round",
    "person": "patient|person|he|she|him|her|woman|man|male|female|sex|gender",
    "ecg": "ecg|recording|tracing|trace|strip|electrocardiographic|recorded",
}


@cache
def cue_index() -> Phrases:
    """Return the wordings of all cues."""
    return phrase_index(
        [(phrase, cue) for cue, told in _CUES.items() for phrase in told.split("|")]
        + [(",", "but")]
    )

"""Recognition of partners by code or English name: CHINA, Korea, Republic of, DE, 156."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from sources import bundled
from sources.errors import UnknownPartnerName

SCHEMES_READ = ("iso3", "iso2", "name", "comtrade")
# Words that offices add to a country's name or leave out; without them two countries must not look the same.
OPTIONAL_WORDS = frozenset(
    (
        *("arab", "bolivarian", "federated", "federation", "islamic", "kingdom"),
        *("plurinational", "province", "republic", "sar", "state", "states"),
    )
)
ABBREVIATIONS = {"rep": "republic", "dem": "democratic", "fed": "federal", "isl": "islands", "st": "saint"}
LINK_WORDS = frozenset(("the", "of", "and", "de", "la"))
SIMILARITY, SUGGESTIONS, LONGEST_NAME = 0.75, 3, 100


@dataclass(frozen=True, slots=True)
class PartnerNames:
    """Partners by code, by name, and by the words of the name in any order.

    `codes` holds codes of any scheme in capitals, `words` the words of names as keys; each gives a partner.
    """

    codes: Mapping[str, str]
    words: Mapping[str, str]
    names: Mapping[str, str]

    def find(self, text: str) -> str | None:
        """The partner that a code or a name in English stands for, whatever its capitals, accents and word order."""
        found = self.codes.get(text.strip().upper())
        if found is None:
            found = self.words.get(_words(text)) or self.words.get(_words(text, without=OPTIONAL_WORDS))
        return found or None

    def suggest(self, text: str) -> list[str]:
        """Names of partners that are written much like this one, the most similar first, with their codes."""
        plain = " ".join(_plain_words(text))
        known = {" ".join(_plain_words(name)): name for name in self.names}
        like = get_close_matches(plain[:LONGEST_NAME], known, n=SUGGESTIONS, cutoff=SIMILARITY)
        by_code = {self.names[known[name]]: known[name] for name in reversed(like)}
        return [f"{name} ({code})" for code, name in reversed(by_code.items())]


@cache
def partner_names() -> PartnerNames:
    """The bundled partners and groups by all their names."""
    partners_, foreign, aliases = (bundled.codes(name) for name in ("partners", "foreign", "aliases"))
    foreign = foreign[foreign["scheme"].isin(SCHEMES_READ) & (foreign["partner"] != "")]
    names = dict(zip(aliases["name"], aliases["partner"], strict=True))
    named = foreign[foreign["scheme"] == "name"]
    names |= dict(zip(named["code"], named["partner"], strict=True))
    names |= dict(zip(partners_["name"], partners_["code"], strict=True))
    coded = foreign[foreign["scheme"] != "name"]
    codes = dict(zip(coded["code"].str.upper(), coded["partner"], strict=True))
    codes |= {code: code for code in partners_["code"]}
    shorter = _unambiguous((_words(name, without=OPTIONAL_WORDS), code) for name, code in names.items())
    return PartnerNames(codes, {**shorter, **_unambiguous((_words(name), code) for name, code in names.items())}, names)


def country(text: str, *, where: str) -> str:
    """The partner code of a country given by code or by name in English. Raises UnknownPartnerName."""
    names = partner_names()
    found = names.find(text)
    if found is None:
        raise UnknownPartnerName(where, {text: names.suggest(text)})
    return found


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The codes by key, without keys that stand for several."""
    found: dict[str, set[str]] = {}
    for key, code in pairs:
        found.setdefault(key, set()).add(code)
    return {key: next(iter(codes)) for key, codes in found.items() if key and len(codes) == 1}


def _words(text: str, *, without: Collection[str] = ()) -> str:
    """The words of a name as a key: in alphabetical order, without accents, punctuation and link words."""
    return " ".join(sorted(word for word in _plain_words(text) if word not in without))


def _plain_words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text[:LONGEST_NAME].casefold().replace("&", " "))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    # "Dem.Rep." is two words, "U.S.A." is one.
    parted = re.sub(r"(?<=\w\w)\.", " ", bare)
    words = re.sub(r"[^\w\s]", " ", re.sub(r"['\u2019.]", "", parted)).split()
    return [word for word in (ABBREVIATIONS.get(word, word) for word in words) if word not in LINK_WORDS]

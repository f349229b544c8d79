import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import bundled
from sources.errors import UnknownPartnerName
from sources.partner_names import country, partner_names

NAMES = partner_names().names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CHINA", "CHN"),
        ("China, peoples' republic of", "CHN"),
        ("chn", "CHN"),
        ("cn", "CHN"),
        ("156", "CHN"),
        ("Korea, Republic of", "KOR"),
        ("Korea, Rep.", "KOR"),
        ("Korea, Dem. People’s Rep.", "PRK"),
        ("Congo, Rep.", "COG"),
        ("Dem. Rep. Congo", "COD"),
        ("NA", "NAM"),
        ("Viet Nam", "VNM"),
        ("VIETNAM", "VNM"),
        ("Turkiye", "TUR"),
        ("Cote d'Ivoire", "CIV"),
        ("U.S.A.", "USA"),
        ("Hong Kong SAR, China", "HKG"),
        ("EU", "EU27"),
        ("WORLD", "WLD"),
    ],
)
def test_partners_are_known_by_the_names_that_offices_use(text: str, code: str) -> None:
    assert partner_names().find(text) == code


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(NAMES)),
    change=st.sampled_from([str.upper, str.lower, str.title, lambda text: f" {text} "]),
)
def test_capitals_and_space_do_not_change_a_name(name: str, change) -> None:
    assert partner_names().find(change(name)) == NAMES[name]


def test_every_partner_is_known_by_its_code_and_name() -> None:
    partners = bundled.codes("partners")
    found = [
        (partner_names().find(code), partner_names().find(name)) for code, name in partners[["code", "name"]].to_numpy()
    ]
    assert found == [(code, code) for code in partners["code"]]


@pytest.mark.parametrize(
    ("text", "like"), [("Vietnm", "(VNM)"), ("Germny", "Germany (DEU)"), ("Untied States", "(USA)")]
)
def test_a_name_that_is_misspelt_is_refused_with_the_one_it_is_like(text: str, like: str) -> None:
    with pytest.raises(UnknownPartnerName) as refused:
        country(text, where="--reporter")
    assert like in str(refused.value)


@pytest.mark.parametrize("text", ["", "?", "Advanced Economies", "x" * 10_000])
def test_what_is_no_partner_is_refused(text: str) -> None:
    with pytest.raises(UnknownPartnerName):
        country(text, where="--reporter")

"""Which published whole each partner of a dataset is part of: a group that the dataset publishes, or the world.

Published groups that overlap a larger published group are part of no whole: counting them would count members twice.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import REST_PARTNER, TOTAL_PARTNER, Membership, Series

REMAINDER_SUFFIX = "_REST"


def remainder_of(whole: str) -> str:
    """The code of the remainder partner of a whole: RST of the world, EU27_REST of EU27."""
    return REST_PARTNER if whole == TOTAL_PARTNER else whole + REMAINDER_SUFFIX


def is_remainder(code: str) -> bool:
    """Whether a partner is the remainder of a whole."""
    return code == REST_PARTNER or code.endswith(REMAINDER_SUFFIX)


def wholes_of_partners(session: Session, dataset_id: str) -> dict[str, str]:
    """The whole of each partner of a dataset, by code; the world itself and overlapping groups have none."""
    partners = sa.select(col(Series.partner)).where(col(Series.dataset_id) == dataset_id).distinct()
    return wholes_among(session, session.scalars(partners).all())


def wholes_among(session: Session, partners: Collection[str]) -> dict[str, str]:
    """The whole of each of these partners, by code."""
    memberships = session.execute(sa.select(col(Membership.group_code), col(Membership.member_code)))
    members: dict[str, set[str]] = {}
    for group, member in memberships:
        members.setdefault(group, set()).add(member)
    return assign_wholes(partners, members)


def assign_wholes(partners: Collection[str], members: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The whole of each listed partner, from the full membership of groups; the largest disjoint groups count."""
    wholes = {code: TOTAL_PARTNER for code in partners if code != TOTAL_PARTNER}
    published = sorted((code for code in partners if code in members), key=lambda code: (-len(members[code]), code))
    assigned: set[str] = set()
    for group in published:
        if assigned & set(members[group]):
            del wholes[group]
            continue
        assigned |= set(members[group])
        wholes |= {member: group for member in members[group] if member in wholes}
        if remainder_of(group) in wholes:
            wholes[remainder_of(group)] = group
    return wholes

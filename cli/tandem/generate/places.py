"""Cities, people and telephone numbers. All people are invented; streets are plausible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ZONES = ("America/New_York", "America/Denver", "America/Los_Angeles")

#: Carriers of the catalog, in the order of their index in all arrays.
CARRIERS = ("wireless", "wireline", "internet")
WIRELESS, WIRELINE, INTERNET = range(3)
#: How ids of each carrier begin.
PREFIXES = ("WL", "WN", "IN")


@dataclass(frozen=True)
class City:
    """A city: its zone is the index into ZONES, which is also its own index in CITIES."""

    name: str
    region: str
    jurisdiction: str
    area_codes: tuple[int, ...]
    postal_codes: tuple[str, ...]
    streets: tuple[str, ...]
    share: float


CITIES = (
    City(
        "Atlanta",
        "GA",
        "US-GA-ATLANTA",
        (404, 678, 770, 470),
        ("30303", "30305", "30306", "30307", "30308", "30309", "30312", "30316", "30318", "30327"),
        (
            *("Peachtree St NE", "Ponce de Leon Ave NE", "Piedmont Ave NE", "Juniper St NE"),
            *("Edgewood Ave SE", "Memorial Dr SE", "Moreland Ave NE", "Howell Mill Rd NW"),
            *("Northside Dr NW", "Boulevard SE", "Highland Ave NE", "Cascade Rd SW"),
        ),
        0.62,
    ),
    City(
        "Denver",
        "CO",
        "US-CO-DENVER",
        (303, 720),
        ("80202", "80203", "80204", "80205", "80206", "80209", "80210", "80211", "80218", "80220"),
        (
            *("Colfax Ave", "Larimer St", "Blake St", "Broadway", "Speer Blvd", "Downing St"),
            *("Pearl St", "Federal Blvd", "Tennyson St", "Colorado Blvd", "Josephine St"),
        ),
        0.20,
    ),
    City(
        "San Francisco",
        "CA",
        "US-CA-SAN-FRANCISCO",
        (415, 628),
        ("94102", "94103", "94107", "94109", "94110", "94114", "94117", "94118", "94122", "94131"),
        (
            *("Market St", "Valencia St", "Mission St", "Divisadero St", "Irving St", "Judah St"),
            *("Geary Blvd", "Clement St", "Haight St", "Guerrero St", "Noriega St", "Folsom St"),
        ),
        0.18,
    ),
)

FIRST_NAMES = (
    *("Aaliyah", "Abigail", "Adrian", "Aisha", "Alan", "Alejandra", "Amara", "Amir", "Andrea"),
    *("Andre", "Anh", "Ariel", "Barbara", "Ben", "Beatriz", "Brandon", "Brianna", "Camille"),
    *("Carlos", "Charlotte", "Chidi", "Chloë", "Claudia", "Curtis", "Dana", "Darnell", "Deepak"),
    *("Deborah", "Diego", "Dmitri", "Donna", "Eleanor", "Elena", "Emeka", "Eric", "Esther"),
    *("Fatima", "Felix", "Fiona", "Frank", "Gabriel", "George", "Gloria", "Grace", "Hana"),
    *("Hector", "Helen", "Henry", "Imani", "Ines", "Isaac", "Ivy", "Jamal", "Janet", "Javier"),
    *("Jia", "Joanna", "Joel", "José", "Joyce", "Julian", "Kamala", "Karen", "Kenji", "Kevin"),
    *("Keisha", "Lars", "Latoya", "Laura", "Leila", "Leon", "Linda", "Lucía", "Luis", "Mai"),
    *("Malik", "Marcus", "Margaret", "Mario", "Marisol", "Martin", "Maya", "Mei", "Michael"),
    *("Mohammed", "Monica", "Nadia", "Naomi", "Nathan", "Nia", "Nikhil", "Nora", "Olga", "Omar"),
    *("Oscar", "Pamela", "Patrick", "Paula", "Pedro", "Priya", "Quentin", "Rachel", "Rashid"),
    *("Raymond", "Renée", "Ricardo", "Rosa", "Ruth", "Ryan", "Samira", "Sandra", "Sean", "Simone"),
    *("Sofia", "Sören", "Stella", "Tamika", "Tariq", "Theo", "Thomas", "Tyrone", "Uma", "Valeria"),
    *("Vanessa", "Victor", "Vivian", "Walter", "Wendy", "William", "Xavier", "Yara", "Yusuf"),
    *("Zachary", "Zoë"),
)
LAST_NAMES = (
    *("Abernathy", "Acosta", "Adeyemi", "Ahmed", "Alvarez", "Anderson", "Bailey", "Banerjee"),
    *("Barnes", "Becker", "Bennett", "Bianchi", "Brooks", "Brown", "Bui", "Calloway", "Campbell"),
    *("Carter", "Castillo", "Chandra", "Chen", "Clark", "Coleman", "Cooper", "Cruz", "Davis"),
    *("Delgado", "Diaz", "Dubois", "Edwards", "Ellis", "Evans", "Fernandez", "Fischer", "Fleming"),
    *("Flores", "Foster", "Garcia", "Gibson", "Gonzalez", "Graham", "Grant", "Green", "Gupta"),
    *("Hall", "Hansen", "Harris", "Hayes", "Hernandez", "Hoffmann", "Holloway", "Howard", "Huang"),
    *("Hughes", "Ibrahim", "Jackson", "James", "Jenkins", "Johnson", "Jones", "Kaplan", "Kelly"),
    *("Khan", "Kim", "King", "Kowalski", "Kumar", "Larsen", "Lee", "Lewis", "Lopez", "Martin"),
    *("Martinez", "McBride", "McDonald", "Mitchell", "Moore", "Morales", "Morgan", "Müller"),
    *("Murphy", "Nakamura", "Nguyen", "Novak", "Nuñez", "O'Brien", "O'Connor", "Okafor", "Ortiz"),
    *("Osei", "Park", "Parker", "Patel", "Perez", "Peterson", "Phillips", "Powell", "Price"),
    *("Quinn", "Ramirez", "Reed", "Reyes", "Rivera", "Roberts", "Robinson", "Rodriguez", "Rossi"),
    *("Russell", "Sanchez", "Sanders", "Santos", "Schmidt", "Scott", "Shah", "Silva", "Simmons"),
    *("Singh", "Smith", "Sullivan", "Takahashi", "Taylor", "Thompson", "Torres", "Tran", "Turner"),
    *("Vargas", "Walker", "Wallace", "Wang", "Ward", "Washington", "Watson", "White", "Williams"),
    *("Wilson", "Wong", "Woods", "Wright", "Yang", "Young", "Zhang", "Zimmermann"),
)
SECOND_LINES = ("Apt {n}", "Unit {n}", "#{n}", "Suite {n}", "Floor {f}, Apt {n}", "Lot {n}, Rear")

# Area codes of other American cities, for long-distance calls to strangers.
ELSEWHERE = np.array(
    (
        *(205, 206, 210, 212, 213, 214, 216, 248, 253, 267, 281, 301, 305, 310, 312, 313, 314),
        *(317, 330, 336, 347, 407, 408, 412, 414, 423, 432, 443, 480, 484, 501, 502, 503, 504),
        *(505, 512, 513, 515, 516, 518, 602, 603, 610, 612, 614, 615, 617, 702, 704, 713, 717),
        *(718, 757, 801, 802, 803, 804, 805, 813, 816, 843, 858, 860, 901, 904, 907, 913, 919),
    ),
    dtype=np.int64,
)

#: Service codes that subscribers dial.
DIALLED_CODES = ("411", "911", "*86", "311", "611", "*611")
#: Short codes of premium and information messages.
MESSAGE_CODES = ("24273", "32665", "40404", "46645", "88222", "262966")
SHORT_CODES = DIALLED_CODES + MESSAGE_CODES


@dataclass(frozen=True)
class Abroad:
    """A block of foreign numbers: prefix, digits that follow it, whether they are mobile."""

    prefix: str
    digits: int
    mobile: bool
    weight: float


ABROAD = (
    Abroad("5255", 8, False, 14),
    Abroad("521", 10, True, 12),
    Abroad("1416", 7, False, 8),
    Abroad("4420", 8, False, 7),
    Abroad("447", 9, True, 7),
    Abroad("9198", 8, True, 9),
    Abroad("9111", 8, False, 4),
    Abroad("1876", 7, True, 6),
    Abroad("1242", 7, False, 3),
    Abroad("4930", 8, False, 3),
    Abroad("4915", 9, True, 2),
    Abroad("4917", 9, True, 2),
    Abroad("331", 8, False, 2),
    Abroad("336", 8, True, 2),
    Abroad("8610", 8, False, 3),
    Abroad("8613", 9, True, 3),
    Abroad("813", 8, False, 2),
    Abroad("8190", 8, True, 2),
    Abroad("612", 8, False, 1.5),
    Abroad("614", 8, True, 1.5),
    Abroad("5511", 8, False, 2),
    Abroad("5521", 9, True, 2),
    Abroad("234", 10, True, 3),
    Abroad("4822", 7, False, 1),
    Abroad("8816", 8, True, 0.3),
)


def _exchanges(parity: int) -> NDArray[np.int64]:
    """Exchange codes (the middle three digits) that a number may have, even or odd."""
    odd_ones_out = {555, 950, 958, 959, 976}
    return np.array(
        [
            nxx
            for nxx in range(200, 1000)
            if nxx % 100 != 11 and nxx not in odd_ones_out and nxx % 2 == parity
        ],
        dtype=np.int64,
    )


# Our carriers hold the even exchanges of their cities, all other carriers the odd ones: a call to
# a stranger is never by chance a call to one of our own lines.
_OURS = _exchanges(0)
_THEIRS = _exchanges(1)


def own_number(city: int, counter: int) -> int:
    """Our number with the given counter in a city, digits of E.164: +1, area code, seven more.

    Neighbouring counters are far apart; different counters give different numbers.
    """
    codes = CITIES[city].area_codes
    size = len(codes) * len(_OURS) * 10_000
    # 7 368 787 is prime and divides no size, so this is a permutation.
    place = (counter % size * 7_368_787 + 1_234_567) % size
    line, rest = place % 10_000, place // 10_000
    exchange, code = int(_OURS[rest % len(_OURS)]), codes[rest // len(_OURS)]
    return 10_000_000_000 + code * 10_000_000 + exchange * 10_000 + line


def unlisted_number(city: int, counter: int) -> int:
    """A number of ours that no line has: counted from the other end of the same range."""
    return own_number(city, -1 - counter)


def mix(keys: NDArray[np.int64], salt: int) -> NDArray[np.uint64]:
    """A hash of 64 bits (splitmix64): the same caller finds the same friends every time."""
    z = keys.astype(np.uint64) + np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) % (1 << 64))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


_AREA_CODES = np.zeros((len(CITIES), 4), dtype=np.int64)
for _index, _city in enumerate(CITIES):
    _AREA_CODES[_index] = np.resize(np.array(_city.area_codes), 4)
_ABROAD_PREFIX = np.array([int(a.prefix) for a in ABROAD], dtype=np.int64)
_ABROAD_SIZE = np.array([10**a.digits for a in ABROAD], dtype=np.int64)
ABROAD_MOBILE = np.array([a.mobile for a in ABROAD])
ABROAD_SHARES = np.array([a.weight for a in ABROAD]) / sum(a.weight for a in ABROAD)


def _low(bits: NDArray[np.uint64], shift: int, size: int) -> NDArray[np.int64]:
    return np.asarray(((bits >> np.uint64(shift)) % np.uint64(size)).astype(np.int64))


def strangers(
    bits: NDArray[np.uint64], city: NDArray[np.int8], far: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """American numbers of other carriers, in the city or (far) elsewhere; from a hash each."""
    near = _AREA_CODES[city, _low(bits, 0, 4)]
    code = np.where(far, ELSEWHERE[_low(bits, 2, len(ELSEWHERE))], near)
    exchange = _THEIRS[_low(bits, 16, len(_THEIRS))]
    return np.asarray(
        10_000_000_000 + code * 10_000_000 + exchange * 10_000 + _low(bits, 32, 10_000)
    )


def mobile_stranger(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a stranger's American number is a mobile one: always the same for a number."""
    return np.asarray(_low(mix(numbers, 77), 5, 100) < 45)


def toll_free(bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Numbers that the called party pays for: +1 800, 888, 877, 866."""
    codes = np.array([800, 888, 877, 866], dtype=np.int64)
    return np.asarray(
        10_000_000_000
        + codes[_low(bits, 0, 4)] * 10_000_000
        + _THEIRS[_low(bits, 16, len(_THEIRS))] * 10_000
        + _low(bits, 32, 400)
    )


def foreigners(bits: NDArray[np.uint64], block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Foreign numbers of the given blocks (indices into ABROAD)."""
    size = _ABROAD_SIZE[block]
    # No zero and no one after the prefix.
    rest = (2 + _low(bits, 8, 8)) * (size // 10) + _low(bits, 24, 10**6) % (size // 10)
    return np.asarray(_ABROAD_PREFIX[block] * size + rest)


def stranger(city: int, key: int, *, far: bool = False) -> int:
    """One American number of another carrier, the same for the same key."""
    bits = mix(np.array([key], dtype=np.int64), 5)
    return int(strangers(bits, np.array([city], dtype=np.int8), np.array([far]))[0])


def foreigner(block: int, key: int) -> int:
    """One foreign number of a block (index into ABROAD), the same for the same key."""
    bits = mix(np.array([key], dtype=np.int64), 6)
    return int(foreigners(bits, np.array([block], dtype=np.int64))[0])

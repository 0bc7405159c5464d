"""Countries as people write them in a table, as ISO 3166-1 alpha-2 codes."""

CODES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "China": "CN",
    "Czech Republic": "CZ",
    "Czechia": "CZ",
    "Cyprus": "CY",
    "Denmark": "DK",
    "England": "GB",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Great Britain": "GB",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Hungary": "HU",
    "Iceland": "IS",
    "India": "IN",
    "Ireland": "IE",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Korea": "KR",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Luxembourg": "LU",
    "Malta": "MT",
    "Mexico": "MX",
    "Netherlands": "NL",
    "New Zealand": "NZ",
    "Nigeria": "NG",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "Romania": "RO",
    "Saudi Arabia": "SA",
    "Scotland": "GB",
    "Singapore": "SG",
    "South Africa": "ZA",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "Thailand": "TH",
    "Turkey": "TR",
    "UK": "GB",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
    "United States": "US",
}


def code_of(text: str, more: dict[str, str]) -> str | None:
    """The code of a country by its name or code, first by the names in `more`; None for what nobody knows."""
    name = text.strip()
    if name in more:
        return more[name]
    if len(name) == 2 and name.isascii() and name.isalpha():
        return name.upper()
    return CODES.get(name) if name else ""

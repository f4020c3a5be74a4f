"""Words of negation and of prices by language: grammar, which no catalogue teaches."""

# What stands before the words to stay away from.
NEGATION: dict[str, tuple[str, ...]] = {
    "da": ("uden", "ikke"),
    "de": ("ohne", "nicht", "kein", "keine", "keinen", "außer"),
    "en": ("without", "w/o", "not", "except", "excluding"),
    "es": ("sin", "excepto", "salvo"),
    "fi": ("ilman",),
    "fr": ("sans", "pas de", "sauf"),
    "it": ("senza", "tranne"),
    "nb": ("uten", "ikke"),
    "nl": ("zonder", "geen", "niet"),
    "pl": ("bez",),
    "pt": ("sem", "exceto"),
    "ru": ("без", "кроме"),
    "sv": ("utan", "inte"),
    "zh": ("不要", "不带", "不含", "没有"),
}
# Japanese and Korean say it after the words.
NEGATION_AFTER: dict[str, tuple[str, ...]] = {"ja": ("なし", "抜き", "以外"), "ko": ("없는", "제외")}

# What stands before a price. They need a number beside them, so the languages can be tried all at once.
AT_MOST = (
    "under", "below", "less than", "cheaper than", "up to", "at most", "no more than", "not more than",
    "unter", "bis zu", "weniger als", "günstiger als", "billiger als", "höchstens", "maximal", "nicht mehr als",
    "moins de", "moins cher que", "en dessous de", "jusqu'à", "au maximum", "au plus",
    "menos de", "por debajo de", "más barato que", "hasta", "como máximo",
    "meno di", "sotto i", "fino a", "al massimo", "menos que", "abaixo de", "até", "onder", "minder dan", "tot",
    "低于", "少于", "不超过", "便宜于",
)  # fmt: skip
AT_LEAST = (
    "over", "above", "more than", "at least", "starting at", "no less than",
    "über", "mehr als", "mindestens", "teurer als",
    "plus de", "au-dessus de", "au moins", "plus cher que",
    "más de", "por encima de", "al menos", "como mínimo",
    "più di", "oltre", "almeno", "mais de", "acima de", "boven", "meer dan", "minstens",
    "高于", "超过", "多于", "不低于",
)  # fmt: skip
# These mean a price only beside a currency: "from 2019", "iphone pro max 256", "ab 18".
AT_MOST_WITH_CURRENCY = ("max", "max.", "maximum", "bis", "sous", "within", "<", "<=")
AT_LEAST_WITH_CURRENCY = ("from", "min", "min.", "minimum", "ab", "à partir de", "desde", "a partir de", ">", ">=")
BETWEEN = (("between", "and"), ("zwischen", "und"), ("entre", "et"), ("entre", "y"), ("tra", "e"), ("entre", "e"),
           ("tussen", "en"))  # fmt: skip
RANGE = ("-", "–", "to", "bis", "à", "a", "tot", "到", "至", "~")
# After the number, in Chinese and Japanese.
AT_MOST_AFTER = ("以下", "以内", "未満", "まで")
AT_LEAST_AFTER = ("以上", "起")
CURRENCIES = (
    "€", "$", "£", "¥", "₹", "zł", "eur", "euro", "euros", "usd", "dollar", "dollars", "bucks", "gbp", "pounds", "chf",
    "franken", "cny", "rmb", "jpy", "yen", "元", "块", "円",
)  # fmt: skip

# What follows says what something is for, has or is made of, and not what it is: "toner for HP", "bag with wheels".
PURPOSE = frozenset(
    ("for", "to", "with", "of", "from", "in", "für", "fur", "mit", "zu", "von", "aus", "im", "pour", "avec", "de", "du",
     "des", "à", "a", "en", "para", "con", "del", "per", "di", "com", "voor", "met", "van", "til", "med", "för", "for")
)  # fmt: skip

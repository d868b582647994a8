"""Names that break naive code, each for a reason of its own, for scenarios with `unicode: true`.

Written as escapes wherever the text as shown would hide what is in it.
"""

from preview_sim.provider.pool import Word
from preview_sim.provider.slugs import slug

HARD_NAMES = tuple(
    Word(name, slug(name))
    for name in (
        "Zoë Åström",  # accents
        "李小龙",  # no space, so no last word
        "محمد عبد الرحمن",  # right to left
        "Null",  # one word, and what careless templates print for nothing
        "Siobhán O\u2019Connor-Ní Bhriain",  # a typographic apostrophe and a hyphen
        "Zoe\u0308 A\u030astro\u0308m",  # the first name again, decomposed: equal only after NFC
        "\U00020bb7野 太郎",  # a letter outside the BMP: two UTF-16 units, four UTF-8 bytes
        "नरेन्द्र क्\u200dष",  # a zero-width joiner that belongs there
        "Łukasz Żółć",  # letters that lose everything in ASCII
        "D'Arcy O'Neill",  # straight apostrophes, for SQL and shell
        "Wolfeschlegelsteinhausenbergerdorff Featherstonehaugh-Cholmondeley de la Vega y Montalbán",
        "Jane 🚀 Doe",  # emoji, outside the BMP
        "שרה כהן",  # right to left, another script
        "IŞIL İNCİ",  # lower() makes a combining dot of İ
        "Nguyễn Thị Ánh",  # two marks on one letter
        "김민수",  # precomposed Hangul
        "\u1100\u1175\u11b7\u1106\u1175\u11ab\u1109\u116e",  # the same in conjoining letters
        "Αλέξανδρος Σοφός",  # a final sigma
        "Straße Groß",  # upper() makes it longer
        "Владимир Щукин",
        'Marta "Mak" Kowalska',  # quotes, for CSV and JSON made by hand
        "X Æ A-12",
        "ธนพล ศรีสุข",  # no spaces between words, vowels above
        "👩\u200d💻 Ada",  # one picture, three code points
        "Jean\u00a0Paul Dupont",  # a no-break space
        "T\u0337r\u0335i\u0336x\u0338 Zalgo",  # stacked marks
        "True",
        "Ng",  # the shortest
        "José\u200e García",  # a direction mark that nothing shows
        "ﬁona Åkesson",  # a ligature and the Ångström sign: NFKC changes both
        "\U0001d49clice \U0001d4d1rown",  # mathematical letters
        "García, María",  # a comma, for CSV
        "Smith & Sons <Ann>",  # for HTML and XML
        "Renée\u00ad Dubois",  # a soft hyphen
        "ꦱꦫꦶ Dewi",  # a script that few fonts have
        "الاسم الطويل جدا بن عبد العزيز آل سعود",  # long and right to left
        "田中\u3000花子",  # an ideographic space
        "葛\U000e0100城 翔",  # a variation selector: which glyph, not which letter
        "Ünal-Çağ Öz",
        "Nil",
    )
)

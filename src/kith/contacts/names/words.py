"""Words that stand in fields of names and are no names. All folded, unless said otherwise.

Left out on purpose, since people are called so: Bank, Church, Guest, Kunde, Jobs, Last, Price, Null and Tester are family
names, Na and Nan given names.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What stands for a name that is not known, when it is all there is, or stands where the given name does.
_PLACEHOLDERS = """
    name|vorname|nachname|firstname|lastname|first name|last name|full name|given name|family name|surname|your name|my name
    first|last|first last|first name last name|firstname lastname|vorname nachname|vor- und nachname|nombre|apellido|apellidos
    nombre apellido|nombre apellidos|nombre y apellidos|prénom|prénom nom|nom|name unknown|no name|noname|sin nombre|kein name
    ohne namen|unknown|unbekannt|desconocido|desconocida|inconnu|anonymous|anonym|anonymus|anónimo|anonyme|none|null|undefined
    nil|n/a|n.a|n.a.|k.a|k.a.|na|keine angabe|not provided|not available|not given|not applicable|no disponible|leer|empty|blank
    sir|madam|sir/madam|sir or madam|dear sir|dear madam|dear sir/madam|dear sir or madam|to whom it may concern
    damen und herren|sehr geehrte damen und herren|customer|valued customer|dear customer|kunde|kundin|cliente|client|guest|gast
    invitado|user|username|benutzer|usuario|admin|administrator|root|member|mitglied|subscriber|friend|somebody|someone|nobody
    private|privat|deleted|deleted user|removed|tbd|todo|xxx|abc|abcd|xyz|asd|qwe|jkl|yxc|foo|bar|foo bar|foobar|lorem ipsum|tester
    john doe|jane doe|joe bloggs|max mustermann|maxine mustermann|erika mustermann|mustermann|fulano|fulano de tal|zutano|mengano
    juan nadie|mr|mrs|ms|miss|mx|herr|frau|señor|señora|sr|sra|dr|prof
"""
PLACEHOLDERS = frozenset(word.strip() for word in _PLACEHOLDERS.replace("\n", "|").split("|") if word.strip())

# A word that makes a test of any name.
TESTS = _words("""
    test testing teststring testuser testname testkunde dummy example beispiel ejemplo prueba asdf
""")

# The legal form of a company, at the end of its name; as it is written, since "Ag" and "Oy" may be names.
LEGAL_EXACT = _words("""
    AG AB AS A/S SA SE SAS SNC SL SC NV BV KG OHG UG GbR eG eV e.V. e.V KGaA Oy Oyj ApS Kft Zrt Bt
    SpA S.p.A. S.A. S.L. S.L.U. B.V. N.V. Co Co. K.K. d.o.o. s.r.o. a.s. sp. z.o.o. S.A.S. A.G.
""")
LEGAL = _words("""
    gmbh mbh ltd ltd. limited llc llp lllp plc inc inc. incorporated corp corp. corporation srl
    s.r.l. sarl sàrl pty pte gmbh&co genossenschaft ggmbh sociedad sdn bhd
""")
LEGAL_IN_TEXT = (
    "株式会社",
    "有限会社",
    "合同会社",
    "有限公司",
    "公司",
    "集团",
    "(주)",
    "㈜",
    "주식회사",
    "ооо ",
    "зао ",
    "оао ",
)

# What a company calls itself, wherever it stands in a name of two words or more.
COMPANY = _words("""
    group gruppe grupo groupe holding holdings solutions services systems consulting technologies
    technology software enterprises industries international studio studios verlag stiftung
    foundation fundación association verein university universität universidad université institute
    institut instituto restaurant agency agentur agencia hospital klinik university logistics
    logistik insurance versicherung versicherungen immobilien properties partners associates
    ventures capital magazine publishing productions entertainment hotels airlines motors pharma
    energy energie telecom networks labs bakery bäckerei apotheke pharmacy ministry ministerium
    behörde stadtwerke sparkasse volksbank
""")

# A job or a desk, wherever it stands in a name ...
DESK = _words("""
    team support helpdesk noreply no-reply donotreply newsletter newsletters notifications
    notification mailer-daemon postmaster webmaster hostmaster kundenservice kundendienst
    kundenbetreuung customerservice soporte vertrieb buchhaltung personalabteilung customer
    customers redaktion sekretariat empfang rezeption ventas facturación recepción department
    abteilung departamento bot
""")
# ... or when nothing else does.
DESK_ALONE = _words("""
    info sales service services billing marketing office kontakt contact contacto admin hello mail
    email e-mail hr jobs career careers press presse orders bestellung bestellungen accounts
    accounting accounts payable receivable reception help customer care client relations public it
    desk front back editor editorial shop store webshop team service center centre the our your
    unser dein ihr el la de of und and y for für account manager management direktion verwaltung
    administration security abuse atención al online system daemon alerts alert updates update do
    not reply
""")

KEYBOARD = (
    "qwertyuiop",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl",
    "asdfghjklöä",
    "zxcvbnm",
    "yxcvbnm",
    "йцукенгшщзхъ",
    "фывапролджэ",
)

# Names without a vowel that people have.
SHORT = _words("""
    ng krk vlk smrž brk grk srb krč hrk trn chlp frk mlč drn krs hrst plk
""")
# Where r and l carry a syllable: "Vlk", "Krk", "Smrž".
SYLLABIC = _words("""
    cs sk hr sr bs sl mk bg cz si rs ba me
""")

# Family names that are so common in places where they come first, and so rare as given names, that their place tells the
# order. They are used for that alone: nothing is kept or concluded about anybody.
FAMILIES = {
    "hu": _words("""
    nagy kovács szabó tóth horváth varga kiss molnár németh farkas balogh papp takács juhász lakatos
    mészáros oláh rácz fekete szilágyi török fehér gál szűcs kocsis pintér fodor szalai sipos magyar
    lukács gulyás bíró katona
"""),
    "vi": _words("""
    nguyễn nguyen trần phạm huỳnh hoàng phan vũ võ đặng bùi đỗ hồ ngô dương lê lý
"""),
    "zh": _words("""
    wang li yang zhang liu chen zhao huang zhou wu xu zhu guo luo zheng liang xie tang feng deng
    xiao cao peng zeng cai jiang pan yuan dong ye wei su lu ding ren shen yao cui qiu wong chan
    cheung leung
"""),
    "ko": _words("""
    kim park choi jeong jung kang cho yoon jang lim shin kwon hwang ahn song hong yoo moon bae
"""),
    "ja": _words("""
    satō sato suzuki takahashi tanaka itō ito watanabe yamamoto nakamura kobayashi katō kato yoshida
    yamada sasaki yamaguchi matsumoto inoue kimura shimizu hayashi saitō saito yamazaki mori abe
    ikeda hashimoto ishikawa ogawa
"""),
}

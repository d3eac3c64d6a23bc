"""Invented secrets of the forms in use, and what merely looks like one; made when asked for.

No token stands here in one piece, so nobody's push protection takes this file for a leak.
"""

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

_DIGITS = string.digits
_HEX = "0123456789abcdef"
_LETTERS = string.ascii_letters + _DIGITS
_UPPER = string.ascii_uppercase + _DIGITS
_LOWER = string.ascii_lowercase + _DIGITS
_BASE64 = _LETTERS + "+/"
_URL = _LETTERS + "-_"
_BASE32 = string.ascii_uppercase + "234567"
_BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"


class Pick:
    """Random text, always the same for the same seed."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)

    def __call__(self, alphabet: str, n: int) -> str:
        """Return so many characters of an alphabet, digits and letters mixed."""
        return "".join(self._rng.choices(alphabet, k=n))

    def text(self, n: int) -> str:
        """Return letters and digits."""
        return self(_LETTERS, n)

    def hex(self, n: int) -> str:
        """Return hexadecimal digits."""
        return self(_HEX, n)

    def base64(self, n: int) -> str:
        """Return base64 of so many characters."""
        return self(_BASE64, n)


@dataclass(frozen=True)
class Planted:
    """A secret as it stands in code, and the pieces of it that nobody may see."""

    name: str
    code: str
    hidden: tuple[str, ...]


_Form = Callable[[Pick], tuple[str, ...]]
"""A form's code, and the pieces of it that nobody may see."""


def _jwt(pick: Pick) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": pick(_DIGITS, 10), "iat": 1516239022})
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join((*(one.rstrip("=") for one in encoded), pick(_URL, 42) + "A"))


def _key_body(pick: Pick, n_lines: int) -> list[str]:
    first = "MII" + "EpAIBAAKCAQEA" + pick.base64(48)
    return [first, *(pick.base64(64) for _ in range(n_lines - 2)), pick.base64(42) + "=="]


def _pem(label: str, n_lines: int = 12) -> _Form:
    def made(pick: Pick) -> tuple[str, ...]:
        lines = _key_body(pick, n_lines)
        shown = [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"]
        return ("\n".join(shown), *lines)

    return made


def _service_account(pick: Pick) -> tuple[str, ...]:
    lines = _key_body(pick, 12)
    label = "PRIVATE" + " KEY"
    key = "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
    account = {"type": "service_account", "project_id": "demo", "private_key_id": pick.hex(40)}
    return (json.dumps({**account, "private_key": key}, indent=2), *lines)


def _whole(form: Callable[[Pick], str]) -> _Form:
    def made(pick: Pick) -> tuple[str, ...]:
        text = form(pick)
        return text, text

    return made


def _inside(before: str, form: Callable[[Pick], str], after: str = "") -> _Form:
    def made(pick: Pick) -> tuple[str, ...]:
        text = form(pick)
        return before + text + after, text

    return made


def _password(pick: Pick) -> str:
    return pick(string.ascii_letters, 4) + pick(_DIGITS, 2) + pick.text(6)


_FORMS: dict[str, _Form] = {
    "github_classic": _whole(lambda p: "gh" + "p_" + p.text(36)),
    "github_oauth": _whole(lambda p: "gh" + "o_" + p.text(36)),
    "github_app": _whole(lambda p: "gh" + "s_" + p.text(36)),
    "github_user_app": _whole(lambda p: "gh" + "u_" + p.text(36)),
    "github_refresh": _whole(lambda p: "gh" + "r_" + p.text(76)),
    "github_fine_grained": _whole(lambda p: "github" + "_pat_" + p.text(22) + "_" + p.text(59)),
    "gitlab": _whole(lambda p: "gl" + "pat-" + p(_URL, 19) + "a"),
    "gitlab_runner": _whole(lambda p: "gl" + "rt-" + p(_LETTERS, 20)),
    "openai_project": _whole(lambda p: "sk-" + "proj-" + p.text(74) + "T3Blbk" + "FJ" + p.text(74)),
    "openai_legacy": _whole(lambda p: "sk-" + p.text(20) + "T3Blbk" + "FJ" + p.text(20)),
    "anthropic": _whole(lambda p: "sk-" + "ant-api03-" + p(_URL, 93) + "AA"),
    "huggingface": _whole(lambda p: "hf" + "_" + p.text(34)),
    "groq": _whole(lambda p: "gs" + "k_" + p.text(52)),
    "perplexity": _whole(lambda p: "pp" + "lx-" + p.text(48)),
    "replicate": _whole(lambda p: "r8" + "_" + p.text(37)),
    "npm": _whole(lambda p: "npm" + "_" + p.text(36)),
    "crates_io": _whole(lambda p: "ci" + "o" + p.text(32)),
    "pypi": _whole(lambda p: "py" + "pi-AgEIcHlwaS5vcmc" + p(_URL, 100)),
    "rubygems": _whole(lambda p: "rubygems" + "_" + p.hex(48)),
    "docker_hub": _whole(lambda p: "dckr" + "_pat_" + p(_URL, 26) + "a"),
    "slack_bot": _whole(lambda p: f"xo{'xb'}-{p(_DIGITS, 12)}-{p(_DIGITS, 12)}-{p.text(24)}"),
    "slack_user": _whole(
        lambda p: f"xo{'xp'}-{p(_DIGITS, 12)}-{p(_DIGITS, 12)}-{p(_DIGITS, 12)}-{p.hex(32)}"
    ),
    "slack_app": _whole(
        lambda p: "xa" + f"pp-1-A{p(_UPPER, 10)}-{p('123456789', 13)}-{p.hex(64)}"
    ),
    "slack_webhook": _inside(
        "https://hooks.slack" + ".com/services/",
        lambda p: f"T{p(_UPPER, 8)}/B{p(_UPPER, 10)}/{p.text(24)}",
    ),
    "discord_webhook": _inside(
        "https://discord" + ".com/api/webhooks/", lambda p: f"{p('123456789', 18)}/{p(_URL, 67)}a"
    ),
    "discord_bot": _inside(
        'discord_token = "', lambda p: f"M{p.text(23)}.G{p.text(5)}.{p(_URL, 37)}a", '"'
    ),
    "telegram_bot": _inside(
        'telegram_bot_token = "', lambda p: f"1{p(_DIGITS, 9)}:AA{p(_LETTERS, 33)}", '"'
    ),
    "google_api": _whole(lambda p: "AI" + "za" + p(_URL, 34) + "a"),
    "google_oauth_secret": _whole(lambda p: "GOC" + "SPX-" + p.text(28)),
    "google_service_account": _service_account,
    "aws_id": _whole(lambda p: "AK" + "IA" + p(_BASE32, 16)),
    "aws_temporary_id": _whole(lambda p: "AS" + "IA" + p(string.ascii_uppercase, 16)),
    "aws_secret": _inside('aws_secret_access_key = "', lambda p: p(_BASE64, 39) + "a", '"'),
    "azure_storage": _inside(
        "DefaultEndpointsProtocol=https;AccountName=demo;AccountKey=",
        lambda p: p(_BASE64, 86) + "==",
    ),
    "azure_client_secret": _inside(
        'client_secret = "', lambda p: f"{p.text(3)}8Q~{p(_LETTERS, 34)}", '"'
    ),
    "digitalocean": _whole(lambda p: "dop" + "_v1_" + p.hex(64)),
    "heroku": _whole(lambda p: "HRKU" + "-AA" + p.text(58)),
    "fly": _whole(lambda p: "fo" + "1_" + p(_LETTERS, 43)),
    "cloudflare_origin": _whole(lambda p: f"v1.0-{p.hex(24)}-{p.hex(146)}"),
    "tailscale": _whole(lambda p: "ts" + f"key-auth-{p.text(17)}-{p.text(32)}"),
    "terraform": _whole(lambda p: p.text(14) + ".atlas" + "v1." + p.text(67)),
    "pulumi": _whole(lambda p: "pu" + "l-" + p.hex(40)),
    "vault": _whole(lambda p: "hv" + "s." + p(_URL, 94) + "a"),
    "doppler": _whole(lambda p: "dp" + ".pt." + p(_LETTERS, 43)),
    "one_password": _whole(lambda p: "ops" + "_eyJ" + p.text(300)),
    "age": _whole(lambda p: "AGE-SECRET" + "-KEY-1" + p(_BECH32, 58)),
    "stripe_live": _whole(lambda p: "sk" + "_live_" + p.text(24)),
    "stripe_restricted": _whole(lambda p: "rk" + "_live_" + p.text(99)),
    "square": _whole(lambda p: "sq0" + "atp-" + p.text(22)),
    "shopify": _whole(lambda p: "shp" + "at_" + p.hex(32)),
    "twilio": _inside('twilio_api_key = "', lambda p: "S" + "K" + p.hex(32), '"'),
    "sendgrid": _whole(lambda p: f"S{'G.'}{p(_LETTERS, 22)}.{p(_LETTERS, 43)}"),
    "mailgun": _inside('mailgun_key = "', lambda p: "ke" + "y-" + p.hex(32), '"'),
    "mailchimp": _inside('mailchimp_key = "', lambda p: p.hex(32) + "-us12", '"'),
    "brevo": _whole(lambda p: "xkey" + f"sib-{p.hex(64)}-{p.text(16)}"),
    "linear": _whole(lambda p: "lin" + "_api_" + p.text(40)),
    "notion": _whole(lambda p: "nt" + f"n_{p(_DIGITS, 11)}{p.text(35)}"),
    "airtable": _whole(lambda p: f"pat{p.text(14)}.{p.hex(64)}"),
    "atlassian": _whole(lambda p: "ATAT" + "T3xFfGF0" + p(_URL, 171) + "=" + p(_HEX.upper(), 8)),
    "postman": _whole(lambda p: f"PM{'AK'}-{p.hex(24)}-{p.hex(34)}"),
    "databricks": _whole(lambda p: "da" + "pi" + p.hex(32)),
    "planetscale": _whole(lambda p: "pscale" + "_tkn_" + p(_LETTERS, 43)),
    "grafana": _whole(lambda p: f"gl{'sa'}_{p.text(32)}_{p.hex(8)}"),
    "new_relic": _whole(lambda p: "NR" + "AK-" + p(_UPPER, 27)),
    "sentry_user": _whole(lambda p: "sntry" + "u_" + p.hex(64)),
    "datadog": _inside('datadog_api_key = "', lambda p: p.hex(40), '"'),
    "artifactory": _inside('artifactory = "', lambda p: "AK" + "Cp" + p.text(69), '"'),
    "jwt": _whole(_jwt),
    "basic_https": _inside("https://robot:", _password, "@git.corp.net/x.git"),
    "basic_postgres": _inside("postgres://app:", _password, "@db.corp.net:5432/app"),
    "basic_mongodb": _inside("mongodb+srv://app:", _password, "@cluster0.corp.net/app"),
    "basic_redis": _inside("redis://default:", _password, "@cache.corp.net:6379"),
    "basic_amqp": _inside("amqp://svc:", _password, "@queue.corp.net:5672/%2f"),
    "key_rsa": _pem("RSA PRIVATE" + " KEY"),
    "key_ec": _pem("EC PRIVATE" + " KEY", 4),
    "key_pkcs8": _pem("PRIVATE" + " KEY"),
    "key_encrypted": _pem("ENCRYPTED PRIVATE" + " KEY"),
    "key_openssh": _pem("OPENSSH PRIVATE" + " KEY", 6),
    "key_pgp": _pem("PGP PRIVATE" + " KEY BLOCK"),
}  # fmt: skip

PLANTED = tuple(
    Planted(name, made[0], made[1:])
    for name, form in _FORMS.items()
    for made in (form(Pick(name)),)
)


def _flat(pick: Pick, alphabet: str, *sizes: int) -> str:
    return "-".join(pick(alphabet, n) for n in sizes)


_FIXED = {
    "format_string": 'format!("mysql://{user}:{pass}@{host}/{name}")',
    "format_positions": 'format!("postgres://{}:{}@localhost/{}", a, b, c)',
    "format_debug": 'format!("https://{0}:{1:?}@example.org")',
    "docs_amqp": "/// Takes `amqp://user:password@host:5672/`.",
    "docs_redis": "/// redis://[<username>][:<password>@]<hostname>[:port][/<db>]",
    "docs_redis_bare": "/// For example `redis://username:passwd@redis.example.com:6379`.",
    "docs_https": "//! See https://user:pass@example.com/path for the syntax.",
    "docs_postgres": 'let url = "postgres://postgres:postgres@localhost/test";',
    "docs_postgres_password": 'let url = "postgresql://user:password@localhost:5432/db";',
    "docs_ftp": 'parse("ftp://user:test@example.com/")',
    "docs_env": 'let url = "mongodb://$USER:$PASSWORD@host/db";',
    "docs_braces": 'let url = "https://${USER}:${TOKEN}@github.com/a/b";',
    "docs_stars": '// postgres://app:******@db.internal/app',
    "docs_dots": '// postgres://app:...@db.internal/app',
    "port": 'let url = "https://example.org:8443/a@b";',
    "ssh": 'let url = "ssh://git@github.com:22/a/b.git";',
    "scp": 'let remote = "git@github.com:rust-lang/rust.git";',
    "authority": 'assert_eq!(authority("user:pass@[::1]:80"), Some("[::1]"));',
    "userinfo": 'let uri = "http://username:password@example.com:80/";',
    "pem_constants": (
        'const BEGIN: &str = "-----BEGIN PRIVATE'
        ' KEY-----";\nconst N_LINES_OF_A_KEY_IN_PRINT: usize = 64;\nfn body_of_the_key_in_between('
        'text: &str) -> &str {\n    text.trim_start_matches(BEGIN).trim_end_matches(END)\n}\n'
        'const END: &str = "-----END PRIVATE' + ' KEY-----";'
    ),
    "pem_format": (
        'format!("-----BEGIN RSA PRIVATE' + ' KEY-----\\n{}\\n-----END RSA PRIVATE'
        + ' KEY-----\\n", encoded)'
    ),
    "pem_docs": "/// Begins with `-----BEGIN OPENSSH PRIVATE" + " KEY-----`, then base64.",
    "pem_match": (
        'match label {\n    "-----BEGIN EC PRIVATE' + ' KEY-----" => Kind::Ec,\n'
        '    "-----BEGIN PRIVATE' + ' KEY-----" => Kind::Pkcs8,\n}'
    ),
    "long_identifier": "fn the_key_of_a_token_that_has_a_password_and_is_not_secret() {}",
    "screaming": "const GITHUB_TOKEN_ENVIRONMENT_VARIABLE_NAME: &str = \"GITHUB_TOKEN\";",
    "environment": 'let token = std::env::var("CARGO_REGISTRY_TOKEN")?;',
    "prefix_only": 'if text.starts_with("gh" "p_") || text.starts_with("AKIA") {}',
    "aws_example_id": 'let id = "AK' + 'IAIOSFODNN7EXAMPLE";',
    "aws_example_secret": (
        'let secret_access_key = "wJalrXUtnFEMI/K7' + 'MDENG/bPxRfiCYEXAMPLEKEY";'
    ),
    "azurite": (
        'AccountName=devstoreaccount1;AccountKey="Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6'
        'IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="'
    ),
    "jwt_io": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4g"
    "RG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ." "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "stripe_docs": 'let key = "sk' + '_test_4eC39HqLyjWDarjtT1zdp7dc";',
    "github_repeated": 'let token = "gh' + 'p_' + 36 * "x" + '";',
    "placeholder": 'let token = "<YOUR_GITHUB_TOKEN>";',
    "your_key": 'let api_key = "your-api-key-goes-here-0123";',
    "test_key": 'Client::new("test-key-of-thirty-two-characters")',
    "lorem": '"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod"',
    "alphabet": 'const ALPHABET: &str = "{_BASE64}";',
    "path": 'let key_file = "/home/user/.ssh/id_ed25519";',
    "email": "// Maintained by a list: someone@lists.example.org",
    "version": 'let version = "v1.2.3-rc.4+build.20261125.abcdef0123456789";',
    "serde_path": "#[serde(with = \"crate::token::secret::key::base64_of_thirty_two\")]",
    "ulid": 'let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";',
}  # fmt: skip


def _public(label: str) -> Callable[[Pick], str]:
    def made(pick: Pick) -> str:
        lines = (pick.base64(64) for _ in range(9))
        return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"))

    return made


_VARIED: dict[str, Callable[[Pick], str]] = {
    "public_key": _public("PUBLIC KEY"),
    "certificate": _public("CERTIFICATE"),
    "ssh_public": lambda p: f'"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{p.base64(43)} me@host"',
    "ssh_public_rsa": lambda p: f'"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{p.base64(340)} me@host"',
    "sha1": lambda p: f'assert_eq!(sha1(b"abc"), "{p.hex(40)}");',
    "sha1_key": lambda p: f'let key = "{p.hex(40)}";',
    "sha256": lambda p: f'const EXPECTED: &str = "{p.hex(64)}";',
    "sha256_token": lambda p: f'let token_digest: &str = "{p.hex(64)}";',
    "sha512": lambda p: f'hex!("{p.hex(128)}")',
    "md5": lambda p: f'let etag = "{p.hex(32)}";',
    "blake3": lambda p: f'checksum = "{p.hex(64)}"',
    "git_id": lambda p: f"// Since {p.hex(40)} this is another function.",
    "git_range": lambda p: f'diff("{p.hex(40)}..{p.hex(40)}")',
    "uuid": lambda p: f'Uuid::parse_str("{_flat(p, _HEX, 8, 4, 4, 4, 12)}")',
    "uuid_constant": lambda p: f'const ID: &str = "{{{_flat(p, _HEX.upper(), 8, 4, 4, 4, 12)}}}";',
    "guid_client_id": lambda p: f'let client_id = "{_flat(p, _HEX, 8, 4, 4, 4, 12)}";',
    "cargo_lock": lambda p: f'name = "serde"\nversion = "1.0.1"\nchecksum = "{p.hex(64)}"',
    "integrity": lambda p: f'integrity="sha384-{p.base64(64)}"',
    "base64_vector": lambda p: f'assert_eq!(decode("{p.base64(88)}"), BYTES);',
    "base64_png": lambda p: f'"data:image/png;base64,iVBORw0KGgo{p.base64(200)}="',
    "hex_literals": lambda p: ", ".join(f"0x{p.hex(16)}" for _ in range(12)),
    "hex_number": lambda p: f"const PRIME: u128 = 0x{p.hex(32)};",
    "const_table": lambda p: ", ".join(str(int(p.hex(4), 16)) for _ in range(60)),
    "mangled": lambda p: f'"_ZN4core3fmt9Formatter3pad17h{p.hex(16)}E"',
    "cid": lambda p: f'"Qm{p.text(44)}"',
    "bitcoin": lambda p: f'"bc1q{p("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 38)}"',
    "ethereum": lambda p: f'address!("0x{p.hex(40)}")',
}  # fmt: skip

LOOK_ALIKES = {**_FIXED, **{name: form(Pick(name)) for name, form in _VARIED.items()}}

"""Make exporters/filters/secret_rules.json from the rules of kingfisher-secret-scanner.

    pip install kingfisher-secret-scanner && python benchmarks/secret_rules.py

The package has the rules of Betterleaks and of Veles; their licences are copied beside the file.
Kept are the rules that a file alone can decide (no network, no second finding nearby), without
those for ids and public keys. A value may follow a Rust type, and a token may end at any character
that it cannot contain. `_OWN` are the forms that the package lacks.
"""

import json
import re
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from kingfisher_sdk import Rules

_PACKAGE = "kingfisher-secret-scanner"
_TARGET = Path(__file__).parent.parent / "exporters" / "filters" / "secret_rules.json"
_NOT_SECRET = re.compile(r"(?:client|application|account|app|access|user-api)-id\b|pub(?:lic)?-")
_LEFT_OUT = {
    "betterleaks.alibaba-secret-key": "any 30 characters behind the word key",
    "betterleaks.alibaba-sts-access-key-secret": "any 30 to 64 characters behind the word key",
    "betterleaks.curl-auth-user": "what documentation of curl is full of",
    "betterleaks.gcp-application-default-credentials": "swallows the code between braces",
    "betterleaks.gcp-service-account": "swallows the code between braces; its key has a rule",
    "betterleaks.mongodb-connection-string": "the rule of addresses finds its password alone",
    "betterleaks.ovh-application-secret": "any 32 characters behind app_secret",
    "betterleaks.private-key": "takes the code between two constants of a PEM parser for a key",
}
_KEPT_HIDDEN = {"betterleaks.aws-secret-access-key"}
_END = r"""(?:\\?['"\x60]|[\s;]|\\[nr]|$)"""
_ANY_END = "(?:[^A-Za-z0-9_-]|$)"
_ASSIGNED = r"""(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}"""
_ASSIGNED_IN_RUST = (
    r"""(?:=|>|:{1,3}=|\|\||:|=>|\?=|,|:[^=\n"]{1,40}=)[\x60'"\s=]{0,5}(?:b?r?#{0,3}")?"""
)
_PLACEHOLDERS = [
    r"[{}<>$|\\*]|^%|^\.+$|\.\.\.|(?i:x{4})",
    r"(?i)^(?:my|your|the|some|a|an|db|admin|user|root|api|super)?[_.-]?(?:user(?:name)?|usr"
    r"|pass(?:wor[dt]|wd|phrase)?|pwd|pw|psw|secret|token|key|auth|test(?:ing)?|example|sample|demo"
    r"|dummy|fake|foo|bar|baz|qux|foobar|abc|xyz|admin|root|guest|postgres|mysql|mongo|redis|rabbit"
    r"|hunter2|change[_-]?(?:me|it)|welcome|letmein|qwerty|placeholder|redacted|hidden|string|value"
    r"|none|null|undefined)[_.-]?(?:here|[0-9]{0,6})[!?]?$",
]
# What vendors' documentation shows: the account of Azurite, the token of jwt.io, Stripe's test key.
_DOCUMENTED = ["(?i)example", "^Eby8vdM02xNO", r"\.SflKxwRJSMeKKF2Q", "4eC39HqLyjWDarjt"]
_OWN: list[dict[str, Any]] = [
    {"id": "crates-io", "pattern": r"\b(cio[A-Za-z0-9]{32})" + _ANY_END, "entropy": 3.5},
    {
        "id": "discord-webhook",
        "pattern": r"\bdiscord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d{17,20}/[\w-]{60,80})",
    },
    {
        "id": "discord-bot",
        "pattern": r"\b([MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40})" + _ANY_END,
        "entropy": 4.0,
    },
    {"id": "fly", "pattern": r"\b(fo1_[\w-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,}={0,3})"},
    {"id": "google-oauth", "pattern": r"\b(GOCSPX-[\w-]{28})" + _ANY_END, "entropy": 3.0},
    {"id": "huggingface", "pattern": r"\b(hf_[A-Za-z0-9]{34,40})" + _ANY_END, "entropy": 3.0},
    {
        "id": "new-relic",
        "pattern": r"\b(NR(?:AK|II|IQ|RA)-[A-Za-z0-9-]{27,36})" + _ANY_END,
        "entropy": 3.0,
    },
    {
        "id": "tailscale",
        "pattern": r"\b(tskey-[a-z]+-[A-Za-z0-9-]{20,60})" + _ANY_END,
        "entropy": 3.0,
    },
    {
        # The lines of the key must be base64: what merely stands between two constants is code.
        "id": "private-key",
        "pattern": r"(?s)-----BEGIN[ A-Z0-9]{0,40} ?PRIVATE KEY(?: BLOCK)?-----"
        r"(?:GAP+(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[^\n\\\"]{1,100})*"
        r"(?:GAP+(?:[A-Za-z0-9+/]{16,}={0,2}))+"
        r"(?:GAP+[A-Za-z0-9+/]{2,}={0,2})?(?:GAP+=[A-Za-z0-9+/]{4})?"
        r"(?:GAP*-----END[ A-Z0-9]{0,40} ?PRIVATE KEY(?: BLOCK)?-----)?",
    },
]
_GAP = r"""(?:\s|\\+[nrt]|[",\\+#|*>]|\bb"|//[/!]?)"""


def _calls(node: Any, name: str, *, negated: bool = False) -> list[Any]:
    """Return the arguments of the calls of a function in a filter."""
    if isinstance(node, list):
        return [found for one in node for found in _calls(one, name, negated=negated)]
    if not isinstance(node, dict):
        return []
    if node.get("kind") == "unary":
        return _calls(list(node.values()), name) if negated else []
    own = node.get("kind") == "call" and node["callee"].get("value") == name and not negated
    rest = _calls(list(node.values()), name, negated=negated)
    return [node["arguments"], *rest] if own else rest


def _patterns(filters: Any, *, negated: bool = False) -> list[str]:
    """Return the patterns of which a secret has one, or where negated, has none."""
    found = []
    for subject, choices in _calls(filters, "matchesAny", negated=negated):
        if subject.get("kind") == "member" and subject["property"]["value"] == "secret":
            found += [node["value"] for node in choices["nodes"]]
    return found


def _least_entropy(node: Any) -> float | None:
    if isinstance(node, list):
        return next((found for one in node if (found := _least_entropy(one))), None)
    if not isinstance(node, dict):
        return None
    is_limit = node.get("kind") == "binary" and node["operator"] in ("<", "<=")
    if is_limit and _calls(node["left"], "entropy"):
        return float(node["right"]["value"])
    return _least_entropy(list(node.values()))


def _is_off(filters: Any) -> bool:
    return '"kind": "bool", "value": true' in json.dumps(filters).lower()


def _converted(detail: dict[str, Any], common: set[str]) -> dict[str, Any]:
    pattern = detail["detection_regex"]
    if pattern.startswith("(?x)"):
        pattern = re.sub(r"\s+", "", pattern[4:])
    pattern = pattern.replace("{16,2048}", "{16,1000}")
    pattern = pattern.replace(_ASSIGNED, _ASSIGNED_IN_RUST)
    if pattern.endswith(_END):
        pattern = pattern.removesuffix(_END) + _ANY_END
    rule: dict[str, Any] = {"id": detail["id"], "pattern": _begun(pattern)}
    if detail.get("betterleaks_secret_group"):
        rule["group"] = detail["betterleaks_secret_group"]
    filters = detail.get("betterleaks_filter")
    entropy = _least_entropy(filters)
    if entropy is not None:
        rule["entropy"] = entropy
    # A complete example key is spelled so that scanners do not take the file for a leak.
    allow = [one.replace("AIza", "AI[z]a") for one in _patterns(filters) if one not in common]
    if allow:
        rule["allow"] = allow
    needs = _patterns(filters, negated=True)
    if needs:
        rule["needs"] = needs
    return rule


def _begun(pattern: str) -> str:
    """Let a token begin right after an escaped line break, too."""
    return re.sub(r"^((?:\(\?i\))?)\\b", r"\1(?:\\b|\\\\[nrt])", pattern)


def main() -> None:
    """Write the file."""
    catalog = Rules(confidence="low", cache=False)
    details = [catalog.detail(one["id"]) for one in catalog.metadata()]
    filters = [_patterns(one.get("betterleaks_filter")) for one in details]
    n_of = {one: sum(one in found for found in filters) for found in filters for one in found}
    common = {one for one, n in n_of.items() if n > len(details) // 2}
    rules = []
    for detail in details:
        is_hidden = not detail["visible"] and detail["id"] not in _KEPT_HIDDEN
        if is_hidden or detail.get("path") or _is_off(detail.get("betterleaks_filter")):
            continue
        if detail["id"] not in _LEFT_OUT and not _NOT_SECRET.search(detail["id"]):
            rules.append(_converted(detail, common))
    by_id = {rule["id"]: rule for rule in rules}
    by_id["betterleaks.generic-credential-uri"].setdefault("allow", []).extend(_PLACEHOLDERS)
    by_id["betterleaks.generic-credential-uri"] |= {"kind": "PASSWORD", "user": 3}
    by_id["betterleaks.aws-secret-access-key"]["allow"] = [r"^[0-9a-f]+$", r"^[A-Za-z]+$"]
    for own in _OWN:
        pattern = own["pattern"].replace("GAP", _GAP)
        rules.append({**own, "id": f"rsidx.{own['id']}", "pattern": _begun(pattern)})
    content = {
        "source": f"{_PACKAGE} {version(_PACKAGE)}",
        "allow": [*sorted(common), *_DOCUMENTED],
        "rules": sorted(rules, key=lambda rule: rule["id"]),
    }
    _TARGET.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    notices = [
        file
        for file in distribution(_PACKAGE).files or ()
        if file.name in ("NOTICE", "LICENSE") and "third-party" not in str(file)
    ]
    for notice in notices:
        target = _TARGET.with_name(f"secret_rules.{notice.name}")
        target.write_text(notice.read_text("utf-8"), "utf-8")


if __name__ == "__main__":
    main()

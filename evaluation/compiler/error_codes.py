"""What the compiler's error codes are about, and which phase of it finds them.

The classes follow the descriptions of `rustc --explain`. A code that stands in no list is `other`.
"""

import re

CLASSES = (
    "syntax",
    "names",
    "members",
    "types",
    "traits",
    "borrows",
    "lints",
    "macros",
    "other",
)
PHASES = ("parse", "resolve", "types and traits", "borrows", "other")
"""The phases in the order in which they run: an error of one hides those of the later ones."""

_PHASE_OF = {
    "syntax": "parse",
    "names": "resolve",
    "macros": "resolve",
    "members": "types and traits",
    "types": "types and traits",
    "traits": "types and traits",
    "borrows": "borrows",
    "lints": "other",
    "other": "other",
}
_CODES = {
    "syntax": """
        0130 0178 0379 0449 0463 0561 0569 0584 0585 0586 0590 0628 0642 0670 0703 0704 0705
        0728 0744 0748 0753 0758 0762 0763 0765 0766 0768
        """,
    "names": """
        0106 0128 0158 0252 0254 0255 0259 0260 0261 0262 0263 0316 0364 0365 0401 0403 0404
        0405 0407 0408 0411 0412 0415 0416 0422 0423 0424 0425 0426 0428 0429 0430 0431 0432
        0433 0434 0435 0437 0438 0451 0530 0531 0532 0533 0573 0574 0575 0576 0577 0583 0603
        0637 0659 0726 0742
        """,
    "members": """
        0026 0027 0062 0063 0124 0559 0560 0599 0609 0610 0615 0616 0624 0689 0784
        """,
    "types": """
        0004 0005 0023 0025 0029 0030 0033 0040 0044 0045 0050 0054 0055 0057 0060 0061 0067
        0069 0070 0071 0072 0073 0081 0084 0091 0107 0109 0110 0116 0118 0121 0131 0161 0164
        0214 0282 0307 0308 0317 0326 0390 0391 0392 0393 0409 0446 0516 0527 0528 0529 0562
        0568 0571 0572 0579 0580 0581 0582 0592 0593 0600 0601 0604 0605 0606 0607 0608 0614
        0617 0618 0620 0622 0623 0627 0631 0638 0639 0641 0643 0644 0646 0647 0666 0667 0687
        0690 0691 0692 0693 0694 0695 0696 0699 0720 0746 0747 0759 0764 0767 0770 0771 0778
        0779 0780 0781 0782 0783 0787 0788 0790
        """,
    "traits": """
        0034 0038 0046 0049 0053 0059 0117 0119 0120 0183 0184 0185 0186 0187 0188 0189 0190
        0191 0193 0195 0197 0198 0199 0200 0201 0202 0203 0204 0205 0206 0207 0210 0212 0220
        0221 0222 0223 0224 0225 0226 0227 0228 0229 0230 0231 0232 0267 0268 0271 0275 0276
        0277 0283 0284 0321 0322 0323 0324 0325 0328 0366 0367 0368 0369 0370 0371 0372 0374
        0375 0376 0377 0378 0380 0399 0436 0520 0525 0550 0567 0591 0719 0732 0733 0751 0792
        0793 0794
        """,
    "borrows": """
        0301 0302 0303 0309 0310 0311 0312 0313 0373 0381 0382 0383 0384 0386 0387 0388 0389
        0476 0478 0482 0490 0491 0492 0493 0495 0496 0499 0500 0501 0502 0503 0505 0506 0507
        0508 0509 0510 0511 0512 0515 0521 0524 0594 0595 0596 0597 0598 0621 0625 0626 0657
        0665 0700 0712 0713 0715 0716
        """,
    "macros": """
        0466 0468 0469 0773 0774 0777
        """,
}
_OF_CODE = {f"E{code}": name for name, codes in _CODES.items() for code in codes.split()}
_BY_MESSAGE = (
    (
        "macros",
        re.compile(
            r"cannot find (?:attribute|macro|derive macro)|cannot determine resolution for the"
            r"|no rules expected|unexpected end of macro|proc(?:-| )macro|custom attribute panicked"
            r"|(?:proc-macro )?derive (?:macro )?panicked|macro expansion ignores|recursion limit"
            r"|local ambiguity when|(?<![0-9])[0-9]++ positional argument|ambiguous macro"
            r"|unknown macro variable|meta-variable"
            r"|invalid format string|format argument|argument never used"
            r"|multiple unused formatting|there is no argument|invalid reference to positional"
            r"|requires at least a format|expected (?:derive macro|attribute, found)"
        ),
    ),
    ("borrows", re.compile(r"lifetime may not live long enough|captured variable cannot escape")),
    (
        "syntax",
        re.compile(
            r"(?:expected|unexpected|unclosed|mismatched|unmatched|unterminated|missing|found"
            r"|leading|chained|non-item|extra|incorrect|malformed|invalid|too many|keyword"
            r"|visibility|no such|character literal|struct literals are not|outer attributes"
            r"|comparison operators|this file contains|an inner attribute|`[^`]++` is not"
            r"|unknown (?:start|prefix|character))"
        ),
    ),
)


def class_of(code: str, message: str) -> str:
    """Return what an error is about, by its code, and by its message where it has none.

    A code that is no error's (`unused_variables`, `clippy::all`) is that of a lint.
    """
    if code.startswith("E") and code[1:].isdecimal():
        return _OF_CODE.get(code, "other")
    if code:
        return "lints"
    return next((name for name, pattern in _BY_MESSAGE if pattern.match(message)), "other")


def phase_of(error_class: str) -> str:
    """Return the phase of the compiler that finds errors of a class."""
    return _PHASE_OF[error_class]

"""Habits in what a server makes of the texts that are written to it."""

from __future__ import annotations

from remotesupport.emulator.habit_tables import ALL, OURS, Answer, Habit

_NOT_STRICT = "a three-byte column of MySQL"

TEXTS = (
    Habit(
        "stored_text",
        "what becomes of a text that is written, whoever writes it",
        ALL,
        (
            Answer("as_it_is", "every character is kept", OURS, "the plainest reading"),
            Answer("trimmed", "no blanks at the ends of lines, nor of the whole"),
            Answer("wrapped", "lines of at most 70 characters"),
            Answer("signature", "a signature of three lines is put below"),
            Answer("footer", "a line is put below"),
            Answer("greeting", "a greeting is put above, a signature below"),
            Answer("composed", "Unicode's composed form (NFC)"),
            Answer("without_tags", "whatever stands in angle brackets is taken out"),
            Answer("doubled_line_ends", "each line end becomes two, as CR LF"),
            Answer("cut_characters", "only the first 2000 characters are kept, without a word"),
            Answer("cut_bytes", "only the first 65535 bytes are kept, without a word", OURS, "a text column of MySQL"),
            Answer("emoji_question_mark", "? for each character outside the basic plane", OURS, _NOT_STRICT),
            Answer("emoji_question_marks", "???? for each character outside the basic plane", OURS, _NOT_STRICT),
            Answer("emoji_replacement", "U+FFFD for each character outside the basic plane"),
            Answer("emoji_nothing", "nothing for each character outside the basic plane"),
            Answer("emoji_end", "the text ends before the first such character", OURS, _NOT_STRICT),
            Answer("entities", "quotes, & and angle brackets as entities"),
        ),
    ),
)

import pytest

from simulator.scripts import is_unspaced, script_of, words_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("red lamp-2 x_y", ["red", "lamp", "2", "x", "y"]),
        ("赤いランプ", ["赤い", "いラ", "ラン", "ンプ"]),
        ("LED 赤いランプ 2個", ["LED", "赤い", "いラ", "ラン", "ンプ", "2", "個"]),
        ("ＬＥＤﾗﾝﾌﾟ", ["LED", "ラン", "ンプ"]),
        ("红色台灯", ["红色", "色台", "台灯"]),
        ("机", ["机"]),
        ("A4用紙500枚", ["A4", "用紙", "500", "枚"]),
        ("โคมไฟ", ["โคม", "คมไ", "มไฟ"]),
        ("ที่นอน", ["ที่นอ", "นอน"]),
        ("лампа красная", ["лампа", "красная"]),
        ("हिन्दी लैंप", ["हिन्दी", "लैंप"]),
        ("cafe\u0301 crème", ["café", "crème"]),
        ("한국어 램프", ["한국어", "램프"]),
        ("♥️ lamp™", ["lamp"]),
    ],
)
def test_words_are_runs_of_letters_and_ngrams_where_there_are_no_spaces(text, words):
    assert words_in(text) == words


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("赤いランプ", "Japanese"),
        ("红色台灯", "Chinese"),
        ("โคมไฟ", "Thai"),
        ("ໂຄມໄຟ", "Lao, Burmese or Khmer"),
        ("램프", ""),
        ("lamp", ""),
    ],
)
def test_a_script_without_spaces_is_told_by_its_letters(text, script):
    assert script_of(text) == script
    assert is_unspaced(text) == bool(script)


def test_a_query_shares_words_with_the_title_that_holds_it():
    assert set(words_in("ランプ")) <= set(words_in("赤いランプ 大型"))

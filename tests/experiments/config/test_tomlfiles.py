"""What is given by hand."""

from experiments.config.tomlfiles import keys_given


def test_the_paths_that_are_given_are_those_of_files_and_of_tables_too(tmp_path):
    laid = tmp_path / "mine.toml"
    laid.write_text("[queries]\nvariety = 0.2\n[world.behavior]\noutside = 3.0\n")
    given = keys_given(
        [str(laid), "seed=4", "world.sessions={heed=1.0, next_page=0.1}", "name={odd", 'a="{b=1}"']
    )
    assert given == {
        *("queries.variety", "world.behavior.outside", "seed", "name", "a"),
        *("world.sessions", "world.sessions.heed", "world.sessions.next_page"),
    }
    assert keys_given([]) == set()

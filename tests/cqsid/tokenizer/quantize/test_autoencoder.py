import numpy as np
import torch

from cqsid.tokenizer.quantize.autoencoder import Autoencoder, Perceptron


def model():
    return Autoencoder(12, 32, 6, torch.Generator().manual_seed(1))


def test_the_stored_arrays_compute_what_the_module_does():
    autoencoder = model()
    rows = np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)
    latents = Perceptron.of(autoencoder.encoder)(rows)
    with torch.no_grad():
        expected = autoencoder.encoder(torch.from_numpy(rows)).numpy()
        restored = autoencoder(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(latents, expected, atol=1e-5)
    np.testing.assert_allclose(Perceptron.of(autoencoder.decoder)(latents), restored, atol=1e-5)


def test_a_row_has_the_same_bits_alone_and_in_any_company():
    encoder = Perceptron.of(model().encoder)
    rows = np.random.default_rng(0).normal(size=(700, 12))
    together = encoder(rows)
    for row in (0, 255, 256, 699):
        np.testing.assert_array_equal(encoder(rows[row : row + 1])[0], together[row])
    np.testing.assert_array_equal(encoder(rows[::-1])[::-1], together)


def test_no_rows_have_no_latents():
    assert Perceptron.of(model().encoder)(np.zeros((0, 12))).shape == (0, 6)


def test_weights_come_from_the_generator_alone():
    torch.manual_seed(3)
    first = model()
    torch.manual_seed(4)
    for one, other in zip(first.parameters(), model().parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)

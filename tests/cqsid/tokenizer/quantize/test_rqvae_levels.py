import torch

from cqsid.tokenizer.quantize.codebook import Codebook, first_codebook, quantise


def generator():
    return torch.Generator().manual_seed(0)


def test_only_items_known_to_be_in_a_category_make_its_row():
    latents = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 8.0], [0.0, 9.0]])
    category = torch.tensor([1, 1, -1, -1])
    generator = torch.Generator().manual_seed(0)
    rows, spare, price = first_codebook(latents, category, 4, 3, generator)
    assert rows[1].tolist() == [2.0, 0.0]
    assert rows[0].tolist() == rows[2].tolist() == latents.mean(dim=0).tolist()
    assert rows[3].tolist() == [0.0, 8.5]
    assert spare.tolist() == [False, False, False, True]
    assert price.tolist() == [torch.inf, 0.0, torch.inf, 0.0]


def test_quantised_latents_pass_their_gradient_straight_through():
    latents = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    books = [Codebook(torch.eye(3) * scale, batch=6, decay=0.9) for scale in (2.0, 1.0)]
    found = quantise(latents, books, torch.full((6,), -1))
    weight = torch.arange(18.0).reshape(6, 3)
    (found.vector_BE * weight).sum().backward()
    torch.testing.assert_close(latents.grad, weight)
    chosen = sum(book.code_KD[code] for book, code in zip(books, found.codes, strict=True))
    torch.testing.assert_close(found.vector_BE.detach(), chosen)
    torch.testing.assert_close(found.residuals[-1], latents - chosen)


def test_without_any_known_category_and_spare_code_all_codes_are_spare():
    latents = torch.randn(20, 3, generator=generator())
    _, spare, price = first_codebook(latents, torch.full((20,), -1), 4, 4, generator())
    assert spare.all()
    assert not price.any()


def test_a_given_category_is_the_first_code_and_the_rest_goes_on():
    books = [Codebook(torch.eye(3) * scale, batch=2, decay=0.9) for scale in (4.0, 1.0)]
    found = quantise(torch.tensor([[5.0, 0.0, 0.0], [5.0, 0.0, 0.0]]), books, torch.tensor([-1, 2]))
    assert [code.tolist() for code in found.codes] == [[0, 2], [0, 0]]
    assert found.residuals[1].tolist() == [[1.0, 0.0, 0.0], [5.0, 0.0, -4.0]]
    assert found.residuals[2].tolist() == [[0.0, 0.0, 0.0], [4.0, 0.0, -4.0]]

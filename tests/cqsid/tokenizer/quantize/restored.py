"""What the codes of a residual quantizer stand for."""

import numpy as np


def vectors_of(books):
    """(K, D) codes in units of the vectors."""
    return books.codes_KD * (books.step_K[:, None] * np.float32(books.grid.step))


def restored(quantizer, codes_NL):
    """(N, D) float32 vectors that codes of the first levels, or of all, stand for."""
    books = quantizer.books
    vectors_KD, restored_ND = vectors_of(books), np.tile(books.grid.mean_D, (len(codes_NL), 1))
    for level in range(codes_NL.shape[1]):
        restored_ND += vectors_KD[books.start_L[level] + codes_NL[:, level]]
    return restored_ND

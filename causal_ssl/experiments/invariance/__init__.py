"""The invariance study: does p^do(S=s)(Y | f(X)) of a learnt representation depend on s?"""

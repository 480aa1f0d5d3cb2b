#!/usr/bin/env python3
"""Makes tests/golden/gp.csv: what scikit-learn's Gaussian process says of a few points at given parameters.

usage: golden-gp.py >tests/golden/gp.csv
Needs, in a virtual environment: pip install numpy scipy scikit-learn

Kernel: 1.3^2 Matern(nu=2.5, length_scale=[0.4, 0.7, 0.2]) + WhiteKernel(0.1^2); the values are taken as they are.
Lines:  train,x0,x1,x2,y           test,x0,x1,x2,mean,std of the function without noise
        likelihood,value           gradient,d/dlog(1.3^2),d/dlog(lengths)...,d/dlog(0.1^2), as scikit-learn's theta has them
        ei,mean,std,best,expected improvement by scipy's numerical integration
"""
import numpy as np
import scipy
import sklearn
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

rng = np.random.default_rng(3)
X = rng.uniform(size=(14, 3)).round(4)
y = (np.sin(5 * X[:, 0]) + X[:, 1] ** 2 - 0.5 * X[:, 2] + 0.05 * rng.normal(size=14)).round(4)
T = rng.uniform(size=(6, 3)).round(4)
kernel = ConstantKernel(1.3**2) * Matern(nu=2.5, length_scale=[0.4, 0.7, 0.2]) + WhiteKernel(0.1**2)
gp = GaussianProcessRegressor(kernel, optimizer=None, alpha=1.69e-10).fit(X, y)
mean, std = gp.predict(T, return_std=True)
std = np.sqrt(std**2 - 0.1**2)  # scikit-learn counts the noise in
value, gradient = gp.log_marginal_likelihood(gp.kernel_.theta, eval_gradient=True)

print(f"# numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}; golden-gp.py")
row = lambda word, numbers: print(",".join([word] + [f"{v:.12g}" for v in numbers]))
for x, v in zip(X, y):
    row("train", [*x, v])
for x, m, s in zip(T, mean, std):
    row("test", [*x, m, s])
row("likelihood", [value])
row("gradient", gradient)
for m, s, best in [(0.2, 0.3, 0.1), (0.0, 1.0, 2.5), (-1.0, 0.5, 0.4), (3.0, 0.01, 2.0), (0.5, 2.0, 0.5)]:
    ei, _ = quad(lambda f: (f - best) * norm.pdf(f, m, s), best, max(best, m) + 12 * s, epsabs=1e-14, points=[m] if m > best else None)
    row("ei", [m, s, best, ei])

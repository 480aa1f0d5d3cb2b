#!/usr/bin/env python3
"""Makes tests/golden/text.tsv: what scikit-learn's TfidfVectorizer and bm25s say of a few made-up documents.

usage: golden-text.py >tests/golden/text.tsv
Needs, in a virtual environment: pip install scikit-learn==1.6.1 bm25s==0.3.16

Lines, separated by tabs: `document NUMBER TEXT` in order; `case NAME N_TERMS` opens a case; then `weight ROW TERM VALUE`,
all that are not zero (n-grams keep their spaces).  For BM25 the value is the score of the document for the query TERM; of
`plus` only documents that have the term are listed (bm25s adds delta for the others too, see src/text/bm25.c).
tests/text/test_golden_text.c repeats the cases by name.
"""
import bm25s
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

DOCUMENTS = [
    "The dark knight. Action, crime: dark hero, hero, batman",
    "Dark city 1998 sci-fi dark dystopia city city",
    "Toy story 2 toys, toys and more toys in the dark",
    "a b",
    "A knight's tale of the old city; the knight rides to the city",
    "Story of a robot robot robot robot in a city of toys",
]
TFIDF = {
    "default": {},
    "sublinear_l1": dict(sublinear_tf=True, norm="l1"),
    "plain_unscaled": dict(smooth_idf=False, norm=None, min_df=2, max_df=0.5),
    "binary_no_idf": dict(binary=True, use_idf=False),
    "words_1_3": dict(ngram_range=(1, 3)),
    "words_2_2": dict(ngram_range=(2, 2), min_df=2),
    "characters_2_4": dict(analyzer="char", ngram_range=(2, 4), sublinear_tf=True),
    "in_words_3_5": dict(analyzer="char_wb", ngram_range=(3, 5)),
}
BM25 = {
    "lucene": dict(method="lucene", k1=1.5, b=0.75),
    "okapi": dict(method="robertson", k1=1.2, b=0.5),
    "atire": dict(method="atire", k1=0.9, b=0.4),
    "plus": dict(method="bm25+", k1=1.5, b=0.75, delta=0.7),
}

print(f"# scikit-learn {sklearn.__version__}, bm25s {bm25s.__version__}; made by tools/golden-text.py")
for number, text in enumerate(DOCUMENTS):
    print("document", number, text, sep="\t")
for name, options in TFIDF.items():
    vectorizer = TfidfVectorizer(**options)
    matrix = vectorizer.fit_transform(DOCUMENTS).tocsr()
    names = vectorizer.get_feature_names_out()
    print("case", name, len(names), sep="\t")
    for row in range(len(DOCUMENTS)):
        for at in range(matrix.indptr[row], matrix.indptr[row + 1]):
            print("weight", row, names[matrix.indices[at]], f"{matrix.data[at]:.9g}", sep="\t")
analyzer = TfidfVectorizer().build_analyzer()
tokens = [analyzer(text) for text in DOCUMENTS]
terms = sorted(set(sum(tokens, [])))
for name, options in BM25.items():
    retriever = bm25s.BM25(dtype="float64", **options)
    retriever.index(tokens, show_progress=False)
    print("case", name, len(terms), sep="\t")
    scores = {term: retriever.get_scores([term]) for term in terms}
    for row in range(len(DOCUMENTS)):
        for term in terms:
            if term in tokens[row] and scores[term][row] != 0:
                print("weight", row, term, f"{scores[term][row]:.9g}", sep="\t")

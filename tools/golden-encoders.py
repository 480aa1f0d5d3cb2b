#!/usr/bin/env python3
"""Writes tests/golden/encoders.jsonl: small encoders of every shape that src/llm reads, with the ids and vectors of a few texts as
sentence-transformers gives them.  The files of a model stand in the golden file; its weights are made by a formula, here and in
tests/llm/test_encoder_shapes.c, and rounded to the file's type.

Last run with sentence-transformers 6.2.0, transformers 5.24.0, tokenizers 0.23.3, sentencepiece 0.2.3, torch 2.15.0 (CPU, fp32).
usage: tools/golden-encoders.py >tests/golden/encoders.jsonl
"""
import io, json, os, sys, tempfile
import numpy as np
import sentencepiece, torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

def mix(x):  # splitmix64 (Steele, Lea, Flood 2014)
    x = (x + np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

def weights(number, shape, mean, spread):
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        h = mix(np.uint64(number) * np.uint64(1 << 32) + np.arange(n, dtype=np.uint64))
    u = (h >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1
    return torch.from_numpy((mean + spread * u).astype(np.float32).reshape(shape))

def tensors(c, prefix=""):
    h, f = c["hidden_size"], c["intermediate_size"]
    out = []
    def add(name, shape, mean=0.0, spread=0.1):
        out.append([prefix + name, shape, mean, spread])
    def norm(name):
        add(name + ".weight", [h], 1.0, 0.2)
        add(name + ".bias", [h])
    def dense(name, n_out, n_in):
        add(name + ".weight", [n_out, n_in], 0.0, float(np.float32(2.0 / n_in ** 0.5)))
        add(name + ".bias", [n_out])
    add("embeddings.word_embeddings.weight", [c["vocab_size"], h], 0.0, 1.0)
    add("embeddings.position_embeddings.weight", [c["max_position_embeddings"], h], 0.0, 0.5)
    add("embeddings.token_type_embeddings.weight", [c["type_vocab_size"], h], 0.0, 0.5)
    norm("embeddings.LayerNorm")
    for i in range(c["num_hidden_layers"]):
        l = f"encoder.layer.{i}."
        for part in ("query", "key", "value"):
            dense(l + "attention.self." + part, h, h)
        dense(l + "attention.output.dense", h, h)
        norm(l + "attention.output.LayerNorm")
        dense(l + "intermediate.dense", f, h)
        dense(l + "output.dense", h, f)
        norm(l + "output.LayerNorm")
    dense("pooler.dense", h, h)
    return out

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "The", "film", "Film", "moon", "##s", "##ing", "a", "A", "b", "##b", "##c",
          "cafe", "caf", "##é", "É", "e", "##e", "(", ")", ".", ",", ":", "query", "passage", "1995", "19", "##95", "中", "国", "中国", "##国",
          "i", "İ", "##̇", "stanbul", "##stanbul", "naive", "naïve", "with", "and", "of", "love", "war"]
TEXTS = ["The film of the moons", "Film (1995), with LOVE.", "Café naïve É", "中国 film中国", "İstanbul and zebra", ""]

def config(hidden, heads, ff, layers, vocab, positions=40, kind="bert", types=2):
    return {"model_type": kind, "architectures": [{"bert": "BertModel", "xlm-roberta": "XLMRobertaModel"}[kind]], "hidden_act": "gelu",
            "vocab_size": vocab, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": ff,
            "max_position_embeddings": positions, "type_vocab_size": types, "layer_norm_eps": 1e-12 if kind == "bert" else 1e-5,
            "pad_token_id": 0 if kind == "bert" else 1, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

def pooling(hidden, cls):
    return {"word_embedding_dimension": hidden, "pooling_mode_cls_token": cls, "pooling_mode_mean_tokens": not cls,
            "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}

def bert_files(c, cls, lower=True, prompts=None, default=None, length=None, strip=None):
    files = {"config.json": c, "vocab.txt": "\n".join(PIECES) + "\n", "1_Pooling/config.json": pooling(c["hidden_size"], cls),
             "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": lower, "strip_accents": strip, "tokenize_chinese_chars": True,
                                       "model_max_length": 40}}
    if prompts:
        files["config_sentence_transformers.json"] = {"prompts": prompts, "default_prompt_name": default}
    if length:
        files["sentence_bert_config.json"] = {"max_seq_length": length, "do_lower_case": False}
    return files

def unigram_json():
    """A Unigram tokenizer behind a small compiled character map: full-width letters, a ligature, a no-break space, a deleted character."""
    with tempfile.TemporaryDirectory() as folder:
        rules = os.path.join(folder, "rules.tsv")
        with open(rules, "w") as out:
            for source, target in (("ﬁ", "fi"), ("Ａ", "A"), ("Ｂ", "B"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "), ("\u00ad", ""), ("é", "e"), ("e\u0301", "e")):
                out.write(" ".join(f"{ord(x):X}" for x in source) + "\t" + " ".join(f"{ord(x):X}" for x in target) + "\n")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["the film of the moon A B fi"] * 20), model_writer=model, vocab_size=22,
                                                 normalization_rule_tsv=rules, hard_vocab_limit=False, minloglevel=2)
        from sentencepiece import sentencepiece_model_pb2 as pb
        proto = pb.ModelProto.FromString(model.getvalue())
    pieces = ["<s>", "<pad>", "</s>", "<unk>"] + ["▁", "▁the", "▁film", "▁fi", "lm", "▁of", "▁moon", "s", "▁A", "A", "B", "▁B", "f", "i", "l", "m", "t", "h", "e", "o", "n", "c", "a",
              "▁caf", "fe", "中", "国", "▁中", "中国", "▁中国", "电影", "电", ",", ".", "ab", "abc", "bc", "b", "▁ab"]
    vocab = [(p, 0.0 if i < 4 else -3.0 - 0.37 * ((i * 7) % 11) - (0.0 if len(p) > 1 else 2.5)) for i, p in enumerate(pieces)]
    t = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    t.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    return json.loads(t.to_str()), len(pieces)

def write(folder, files):
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
    write_modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                     {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                     {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
    with open(os.path.join(folder, "modules.json"), "w") as out:
        json.dump(write_modules, out)

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
def golden(name, files, dtype, texts, prefix="", prompts=(None,)):
    listing = tensors(files["config.json"], prefix)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, files)
        save_file({t[0]: weights(i, t[1], t[2], t[3]).to(TYPES[dtype]).contiguous() for i, t in enumerate(listing)},
                  os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        model = SentenceTransformer(folder, device="cpu", model_kwargs={"torch_dtype": torch.float32})
        model.eval()
        if "sentence_bert_config.json" not in files:
            model.max_seq_length = 38 if files["config.json"]["model_type"] == "xlm-roberta" else 40
        rows = []
        for prompt in prompts:
            for text in texts:
                kwargs = {} if prompt is None else {"prompt_name": prompt}
                vector = model.encode([text], convert_to_numpy=True, **kwargs)[0]
                own = model.prompts.get(prompt or model.default_prompt_name or "", "")
                ids = model.tokenize([own + text])["input_ids"][0].tolist()
                rows.append({"text": text, "prompt": prompt or "model", "ids": ids, "vector": [float(f"{x:.7g}") for x in vector]})
    print(json.dumps({"model": name, "dtype": dtype, "files": {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in files.items()},
                      "tensors": listing, "texts": rows}, ensure_ascii=True))

n = len(PIECES)
golden("bert, mean", bert_files(config(64, 2, 96, 2, n), False), "F32", TEXTS)
golden("bert, cls, prompts, F16", bert_files(config(64, 1, 128, 2, n), True, prompts={"query": "query: ", "passage": "passage: "}, default="query", length=9), "F16",
       TEXTS[:4] + ["the film the film the film the film the film"], prompts=(None, "passage"))
golden("bert, cased, BF16, names with bert.", bert_files(config(64, 2, 64, 1, n), False, lower=False), "BF16", TEXTS, prefix="bert.")
golden("bert, lower case with accents", bert_files(config(64, 2, 64, 1, n), False, lower=True, strip=False), "F32", TEXTS)
tokenizer, n_pieces = unigram_json()
c = config(64, 2, 96, 2, n_pieces, kind="xlm-roberta", types=1)
golden("xlm-roberta, unigram", {"config.json": c, "1_Pooling/config.json": pooling(64, False), "tokenizer.json": tokenizer,
       "tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>"}},
       "F32", ["the film of the moons", "Ａ  Ｂ\u00a0ﬁlm\tcafé cafe\u0301", " 中国电影 x\u00adyz!! abcab", "lm  lm of", "zzz 中, 国."], prefix="roberta.")
golden("base size", bert_files(config(768, 12, 3072, 1, n), True), "F16", TEXTS[:2])
golden("large size", bert_files(config(1024, 16, 4096, 1, n), False), "BF16", TEXTS[:2])

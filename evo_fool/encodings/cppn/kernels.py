"""Compiled start and mutation of packed CPPN genomes (docs/reference/paper.md section 4).

The readable form is reference.py.

Each kernel takes the fields of a batch (genome.py) and one seed a row, and draws in exactly the order of the
reference, so the two agree bit for bit.
"""
# The kernels' types are numba's to infer.
# mypy: disable-error-code="no-untyped-def"

import numpy as np

from evo_fool.encodings.cppn.genome import INPUTS, MAX_KEY
from evo_fool.encodings.numeric.jit import inner, kernel
from evo_fool.encodings.numeric.splitmix import GOLDEN, below, uniform
from evo_fool.encodings.operators import polynomial_delta

_ACTIVATIONS = 4


@kernel
def start_rows(weight, src, dst, key, nodes, links, act, seeds, first, last, outputs, weight_range):
    """Fill zeroed rows with the starting genome: inputs fully connected to outputs, no hidden nodes."""
    for row in range(first, last):
        state = seeds[row]
        for k in range(outputs):
            state += GOLDEN
            key[row, k] = k
            act[row, k] = below(state, _ACTIVATIONS)
        count = 0
        for i in range(INPUTS):
            for k in range(outputs):
                state += GOLDEN
                src[row, count] = -1 - i
                dst[row, count] = k
                weight[row, count] = weight_range * (2.0 * uniform(state) - 1.0)
                count += 1
        nodes[row] = outputs
        links[row] = count


@inner
def new_key(key, nodes, outputs):
    """The key of a new hidden node: the largest plus one; past MAX_KEY the smallest hidden key that is free."""
    largest = -1
    for i in range(nodes):
        largest = max(largest, key[i])
    if largest < MAX_KEY:
        return largest + 1
    used = np.zeros(MAX_KEY + 1, np.uint8)
    for i in range(nodes):
        used[key[i]] = 1
    candidate = outputs
    while used[candidate]:
        candidate += 1
    return candidate


@inner
def _mark_ancestors(src, dst, links, key, nodes, source, index, marks):
    """Set ``marks[i]`` to 1 for node ``source`` and the nodes it depends on, 0 for the others."""
    for i in range(nodes):
        index[key[i]] = i
        marks[i] = 0
    if source < 0:
        return
    marks[index[source]] = 1
    changed = True
    while changed:
        changed = False
        for j in range(links - 1, -1, -1):
            if src[j] >= 0 and marks[index[dst[j]]] and not marks[index[src[j]]]:
                marks[index[src[j]]] = 1
                changed = True


@inner
def _drop_link(weight, src, dst, links, at):
    for j in range(at, links - 1):
        weight[j] = weight[j + 1]
        src[j] = src[j + 1]
        dst[j] = dst[j + 1]
    weight[links - 1] = 0.0
    src[links - 1] = 0
    dst[links - 1] = 0


@kernel
def mutate_rows(
    weight, src, dst, key, nodes, links, act, seeds, first, last, outputs,
    weight_range, eta, weights, link_rate, node_rate, add_link, delete_link, split_link, delete_node,
):  # fmt: skip
    """Mutate rows in place, in the paper's order: weights, activations, add, delete, split a link, delete a node.

    Where ``weights`` is positive, it is the number of weights expected to mutate, and ``link_rate`` is not used.
    """
    max_nodes, max_links = key.shape[1], weight.shape[1]
    power = 1.0 / (eta + 1.0)
    index = np.empty(MAX_KEY + 1, np.int16)
    marks = np.empty(max_nodes, np.uint8)
    for row in range(first, last):
        state = seeds[row]
        w, s, d, k, a = weight[row], src[row], dst[row], key[row], act[row]
        n, m = np.int64(nodes[row]), np.int64(links[row])

        rate = weights / m if weights > 0.0 and m > 0 else link_rate
        for j in range(m):
            state += GOLDEN
            if uniform(state) < rate:
                state += GOLDEN
                gene = (w[j] + weight_range) / (2.0 * weight_range) + polynomial_delta(uniform(state), power)
                w[j] = weight_range * (2.0 * min(max(gene, 0.0), 1.0) - 1.0)

        for i in range(n):
            state += GOLDEN
            if uniform(state) < node_rate:
                state += GOLDEN
                a[i] = below(state, _ACTIVATIONS)

        state += GOLDEN
        if uniform(state) < add_link and m < max_links:
            state += GOLDEN
            choice = below(state, INPUTS + n - outputs)
            source = np.int64(-1 - choice) if choice < INPUTS else np.int64(k[outputs + choice - INPUTS])
            _mark_ancestors(s, d, m, k, n, source, index, marks)
            candidates = 0
            for i in range(n):
                candidates += 1 - marks[i]
            state += GOLDEN
            choice = below(state, candidates)
            target = np.int64(-1)
            for i in range(n):
                if not marks[i]:
                    if choice == 0:
                        target = np.int64(k[i])
                        break
                    choice -= 1
            present = False
            for j in range(m):
                present |= s[j] == source and d[j] == target
            if not present:
                state += GOLDEN
                s[m], d[m] = source, target
                w[m] = weight_range * (2.0 * uniform(state) - 1.0)
                m += 1

        state += GOLDEN
        if uniform(state) < delete_link and m > 0:
            state += GOLDEN
            _drop_link(w, s, d, m, below(state, m))
            m -= 1

        state += GOLDEN
        if uniform(state) < split_link and 0 < m < max_links and n < max_nodes:
            state += GOLDEN
            j = below(state, m)
            source, target, old = np.int64(s[j]), np.int64(d[j]), w[j]
            _drop_link(w, s, d, m, j)
            fresh = new_key(k, n, outputs)
            state += GOLDEN
            k[n], a[n] = fresh, below(state, _ACTIVATIONS)
            n += 1
            s[m - 1], d[m - 1], w[m - 1] = source, fresh, old
            s[m], d[m], w[m] = fresh, target, old
            m += 1

        state += GOLDEN
        if uniform(state) < delete_node and n > outputs:
            state += GOLDEN
            at = outputs + below(state, n - outputs)
            gone = k[at]
            for i in range(at, n - 1):
                k[i] = k[i + 1]
                a[i] = a[i + 1]
            n -= 1
            k[n], a[n] = 0, 0
            kept = np.int64(0)
            for j in range(m):
                if s[j] != gone and d[j] != gone:
                    s[kept], d[kept], w[kept] = s[j], d[j], w[j]
                    kept += 1
            for j in range(kept, m):
                s[j], d[j], w[j] = 0, 0, 0.0
            m = kept

        nodes[row], links[row] = n, m

# SPDX-License-Identifier: MIT
"""tables.py - figures as aligned text, or as Markdown."""
import figures


def texts(table):
    head, lines, digits = table
    return [tuple(map(str, head))] + [tuple(figures.cell(value, digits) for value in line) for line in lines]


def as_text(table):
    lines = texts(table)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths))) for line in lines)


def as_markdown(table):
    head, *lines = texts(table)
    rule = "|" + "---|" * len(head)
    return "\n".join(["| " + " | ".join(head) + " |", rule] + ["| " + " | ".join(line) + " |" for line in lines])


def about(data):
    return "%s; commit %s, %s; at least %d rounds, in %d s; load %.2f at the start, %s at the end" % (
        data["machine"], data["commit"], data["date"], data["rounds"], data.get("seconds", 0), data["load"],
        figures.cell(data.get("load_end", figures.NAN)))


def startup(data):
    start = data.get("startup")
    if not start:
        return ""
    added = "; ".join("%s adds %.0f us" % (tool, us - start["native"]) for tool, us in start.items() if tool != "native")
    return "Start-up of /bin/true: native %.0f us; %s" % (start["native"], added)


def blocks(data, form):
    """(title, text) of everything there is to tell, but for the targets."""
    result = []
    for title, make in figures.TABLES:
        table = make(data)
        if table[1] and data["programs" if make in (figures.table_cpu, figures.table_space) else "machine"]:
            result.append((title, form(table)))
    return result


def print_all(data):
    print(about(data))
    for title, text in blocks(data, as_text):
        print("\n%s\n%s" % (title, text))
    if startup(data):
        print("\n" + startup(data))
    for note in figures.notes(data):
        print("note: " + note)
    print("\nTargets\n" + as_text(figures.table_targets(data)))

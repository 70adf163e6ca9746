# Prints one JSON text as a value, its first character saying what it is.

# Hides the characters that part cells and items.
def esc:
  split("\u001b") | join("\u001be")
  | split("\u001e") | join("\u001br")
  | split("\u001f") | join("\u001bu");

# Gives names that stand twice a number from the second on.
def tell_apart:
  reduce .[] as $name ([];
    . as $known
    | [$name, (range(2; length + 3) | "\($name)-\(.)")]
    | map(select(. as $free | $known | index([$free]) | not))
    | $known + [.[0]]);

# Whether digits fit into 64 bits.
def is_whole:
  test("^-?[0-9]+$") and
  (ltrimstr("-") | length < 19 or (length == 19 and . <= "9223372036854775807"));

# The columns of all rows, each once; those of several kinds may hold anything.
def all_columns:
  reduce .[] as $column ([];
    (map(.name) | index([$column.name])) as $at
    | if $at == null then . + [$column]
      elif .[$at].shape != $column.shape then .[$at] += {kind: "*", shape: "*"}
      else . end);

def header:
  map((.name | esc) + ":" + .kind) | join("\u001f");

# What tells the kinds of two values apart: of rows and tables, also their columns.
def shape_of(tag):
  tag + "(" + (map(.name + ":" + .shape) | join("\u001f")) + ")";

def plain(kind; text):
  {kind: kind, shape: kind, text: text};

# A value as its kind and its text; a row also as its columns and cells.
def convert:
  if type == "null" then plain("*"; "?it is null")
  elif type == "boolean" then plain("b"; if . then "byes" else "bno" end)
  elif type == "string" then plain("t"; "t" + .)
  elif type == "number" then
    tostring | if is_whole then plain("i"; "i" + .) else plain("t"; "t" + .) end
  elif type == "object" then
    . as $fields
    | [keys[] | $fields[.] | convert] as $cells
    | (keys | map(ascii_downcase) | tell_apart) as $names
    | [range($names | length) | {name: $names[.]} + $cells[.]]
    | {kind: "R", shape: shape_of("R"), columns: .,
       text: ("R" + header + "\u001e" + (map(.text | esc) | join("\u001f")))}
  elif length > 0 and all(.[]; type == "object") then
    map(convert) as $rows
    | ($rows | map(.columns[]) | all_columns) as $columns
    | [$rows[] | . as $row | [$columns[] | .name as $name
        | (first($row.columns[] | select(.name == $name) | .text)
          // "?there is no `\($name)` in this one") | esc] | "\u001e" + join("\u001f")]
    | {kind: "T", shape: ($columns | shape_of("T")),
       text: ("T\u001e" + ($columns | header) + join(""))}
  else
    map(convert)
    | {kind: ("L" + (.[0].kind // "*")), shape: ("L" + (.[0].shape // "*")),
       text: ("L" + (map("\u001e" + (.text | esc)) | join("")))}
  end;

if length == 1 then .[0] | convert | .text
elif length == 0 then error("there is no value in it")
else error("there is more than one value in it")
end

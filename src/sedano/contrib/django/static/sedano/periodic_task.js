// Shows, of the kinds of entries, the fields of the one that is chosen. Without it all of them are shown.
document.addEventListener("DOMContentLoaded", () => {
  const kind = document.getElementById("id_kind");
  if (!kind) return;
  const show = () => {
    for (const option of kind.options) {
      const fields = document.querySelector(`fieldset.sedano-${option.value}`);
      if (fields) fields.hidden = option.value !== kind.value && !fields.querySelector(".errorlist");
    }
  };
  kind.addEventListener("change", show);
  show();
});

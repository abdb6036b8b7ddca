// Security keys and passkeys on the sign-in pages. The pages say by JSON blocks which form is which; nothing is inline.
const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function decoded(options) {
  const key = { ...options.publicKey };
  key.challenge = toBytes(key.challenge);
  if (key.user) key.user = { ...key.user, id: toBytes(key.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (key[list]) key[list] = key[list].map((item) => ({ ...item, id: toBytes(item.id) }));
  }
  return { ...options, publicKey: key };
}

function encoded(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: toText(answer.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (answer[part]) response[part] = toText(answer[part]);
  }
  if (answer.getTransports) response.transports = answer.getTransports();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function complain(near, error) {
  const form = near.form ?? near.closest("form") ?? near;
  let line = document.getElementById("key-problem");
  if (!line) {
    line = document.createElement("p");
    line.id = "key-problem";
    line.className = "text-sm text-error";
    line.setAttribute("role", "alert");
    (near.isConnected ? near : form).after(line);
  }
  const texts = document.getElementById("key-texts")?.dataset ?? {};
  line.textContent = error.name === "NotAllowedError" ? texts.cancelled : `${texts.failed} ${error.message}`;
}

async function send(button, field, get) {
  button.disabled = true;
  try {
    field.value = JSON.stringify(encoded(await get()));
    field.closest("form").submit();
  } catch (error) {
    button.disabled = false;
    complain(button, error);
  }
}

const byId = (name) => document.getElementById(name);
const data = (ids) => JSON.parse(byId(ids.data).textContent);

const forms = {
  "allauth.webauthn.forms.loginForm"({ ids }) {
    const button = byId(ids.login);
    button.addEventListener("click", (event) => {
      event.preventDefault();
      send(button, byId(ids.credential), async () => {
        const answer = await fetch(button.form.action, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        return navigator.credentials.get(decoded((await answer.json()).request_options));
      });
    });
  },
  "allauth.webauthn.forms.authenticateForm"({ ids }) {
    const button = byId(ids.authenticate);
    button.addEventListener("click", (event) => {
      event.preventDefault();
      send(button, byId(ids.credential), () => navigator.credentials.get(decoded(data(ids).request_options)));
    });
  },
  "allauth.webauthn.forms.addForm"({ ids }) {
    const button = byId(ids.add);
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const options = data(ids).creation_options;
      const passwordless = byId(ids.passwordless)?.checked ?? false;
      options.publicKey.authenticatorSelection = {
        ...options.publicKey.authenticatorSelection,
        residentKey: passwordless ? "required" : "discouraged",
        requireResidentKey: passwordless,
        ...(passwordless ? { userVerification: "required" } : {}),
      };
      send(button, byId(ids.credential), () => navigator.credentials.create(decoded(options)));
    });
  },
};

for (const block of document.querySelectorAll("script[data-allauth-onload]")) {
  const start = forms[block.dataset.allauthOnload];
  if (start && window.PublicKeyCredential) start(JSON.parse(block.textContent));
}

// What the window says, in three languages; the page's language decides, then the browser's.
const texts = {
  en: {
    open: "Open chat", close: "Close chat", unread: "new messages", log: "Messages", you: "You", write: "Your message",
    send: "Send", attach: "Add a file", remove: "Remove", name: "Your name (optional)", email: "Your e-mail address",
    here: "We are here and answer soon.", away: "Nobody is here right now. Leave your e-mail address and we answer by mail.",
    leave: "You may leave an e-mail address, so that we can answer when you have gone.", mail: "We can also answer by mail to", change: "Change",
    sending: "sending", failed: "Not sent.", again: "Try again", offline: "No connection. We keep trying.",
    empty: "Write something before you send it.", long: "This is too long.", bademail: "This does not look like an e-mail address.",
    files: "At most {n} files of {m} MB each.", often: "That was very often. Wait a moment.", unclear: "This could not be sent. Please try again.",
  },
  de: {
    open: "Chat öffnen", close: "Chat schließen", unread: "neue Nachrichten", log: "Nachrichten", you: "Sie", write: "Ihre Nachricht",
    send: "Senden", attach: "Datei anhängen", remove: "Entfernen", name: "Ihr Name (freiwillig)", email: "Ihre E-Mail-Adresse",
    here: "Wir sind da und antworten gleich.", away: "Gerade ist niemand da. Hinterlassen Sie Ihre E-Mail-Adresse, wir antworten per Mail.",
    leave: "Sie können eine E-Mail-Adresse hinterlassen, damit wir antworten können, wenn Sie weg sind.", mail: "Wir können auch per Mail antworten an", change: "Ändern",
    sending: "wird gesendet", failed: "Nicht gesendet.", again: "Noch einmal", offline: "Keine Verbindung. Wir versuchen es weiter.",
    empty: "Schreiben Sie etwas, bevor Sie senden.", long: "Das ist zu lang.", bademail: "Das sieht nicht wie eine E-Mail-Adresse aus.",
    files: "Höchstens {n} Dateien zu je {m} MB.", often: "Das war sehr oft. Warten Sie einen Augenblick.", unclear: "Das konnte nicht gesendet werden. Bitte versuchen Sie es noch einmal.",
  },
  es: {
    open: "Abrir el chat", close: "Cerrar el chat", unread: "mensajes nuevos", log: "Mensajes", you: "Usted", write: "Su mensaje",
    send: "Enviar", attach: "Añadir un archivo", remove: "Quitar", name: "Su nombre (opcional)", email: "Su correo electrónico",
    here: "Estamos aquí y respondemos enseguida.", away: "Ahora no hay nadie. Deje su correo electrónico y le responderemos por correo.",
    leave: "Puede dejar un correo electrónico para que le respondamos cuando ya no esté.", mail: "También podemos responder por correo a", change: "Cambiar",
    sending: "enviando", failed: "No se envió.", again: "Intentar de nuevo", offline: "Sin conexión. Seguimos intentándolo.",
    empty: "Escriba algo antes de enviarlo.", long: "Es demasiado largo.", bademail: "No parece un correo electrónico.",
    files: "Como máximo {n} archivos de {m} MB.", often: "Ha sido muy seguido. Espere un momento.", unclear: "No se pudo enviar. Inténtelo de nuevo.",
  },
};

export function choose() {
  for (const wanted of [document.documentElement.lang, ...(navigator.languages ?? [])]) {
    const found = (wanted ?? "").slice(0, 2).toLowerCase();
    if (texts[found]) return [found, texts[found]];
  }
  return ["en", texts.en];
}

"""What letters say in German."""

LOCALE = "de_DE"
AND = " und "
DECIMAL = ","

#: What the mail to a partner is about, for its subject.
SUBJECTS = {
    "Request": "Bestellung", "Retry": "Bestellung, noch einmal", "Received": "eingetroffen",
    "ShippedReturn": "auf dem Rückweg", "Renew": "Bitte um Verlängerung", "Cancel": "bitte stornieren",
    "Lost": "verloren", "Damaged": "beschädigt", "Found": "wiedergefunden", "Closed": "abgeschlossen",
    "Note": "eine Mitteilung", "ConditionAccepted": "Bedingung angenommen", "Amended": "Bestellung geändert",
    "StatusRequest": "Wie ist der Stand?", "RequestReceived": "Bestellung eingegangen", "WillSupply": "wird geliefert",
    "WillSupply with condition": "Lieferung unter einer Bedingung", "ExpectToSupply": "wird voraussichtlich geliefert",
    "Unfilled": "nicht lieferbar", "RetryPossible": "so nicht lieferbar", "Loaned": "versandt",
    "CopyCompleted": "Kopie fertig", "Overdue": "überfällig", "Overdue notice": "weiterhin überfällig",
    "Recalled": "zurückgefordert", "RenewResponse Y": "verlängert", "RenewResponse N": "nicht verlängert",
    "CancelResponse Y": "storniert", "CancelResponse N": "zu spät zum Stornieren", "LoanCompleted": "abgeschlossen",
    "CompletedWithoutReturn": "ohne Rückgabe abgeschlossen", "Cancelled": "storniert", "DueDate": "neue Leihfrist",
    "StatusRequestResponse": "der Stand", "Correction": "eine Berichtigung",
}  # fmt: skip

#: For staff: what has happened, and what may be done about it.
ALERTS = {
    "new_request": (
        "Eine Partnerbibliothek bestellt dieses Medium. Bitte am Regal nachsehen, dann den Bestellschein drucken oder "
        "die Bestellung ablehnen."
    ),
    "needs_review": "Bitte diese Bestellung prüfen, bevor sie verschickt wird.",
    "condition": "Die gebende Bibliothek stellt eine Bedingung. Bitte annehmen oder ablehnen.",
    "retry_offered": "Die gebende Bibliothek kann so nicht liefern, nimmt aber eine neue Bestellung entgegen.",
    "shipment_taken_back": (
        "Die gebende Bibliothek hatte den Versand gemeldet und teilt nun mit, dass sie nicht liefern kann."
    ),
    "reason_needs_review": (
        "Die gebende Bibliothek kann nicht liefern, und der Grund stünde auch jeder anderen Bibliothek im Weg."
    ),
    "unexpected_shipment": "Eine Bibliothek hat ein Medium geschickt, das nicht mehr erwartet wurde.",
    "due_date_assumed": (
        "Die gebende Bibliothek hat kein Ende der Leihfrist genannt. Die übliche Leihfrist wurde angenommen; bitte "
        "berichtigen, wenn eine andere bekannt ist."
    ),
    "renewed_without_a_date": (
        "Die gebende Bibliothek hat die Leihfrist verlängert, aber kein neues Datum genannt. Bitte nachfragen."
    ),
    "never_picked_up": "Die Leihfrist ist abgelaufen, und das Medium wurde nie abgeholt.",
    "overdue": "Die Leihfrist ist überschritten.",
    "overdue_but_not_here": "Die gebende Bibliothek mahnt das Medium an, es ist aber nicht hier eingetroffen.",
    "recalled": "Die gebende Bibliothek fordert das Medium vorzeitig zurück.",
    "recalled_but_not_here": "Die gebende Bibliothek fordert ein Medium zurück, das noch nicht hier eingetroffen ist.",
    "completed_by_partner": (
        "Die gebende Bibliothek meldet die Ausleihe als abgeschlossen, früher als erwartet. Bitte am Regal nachsehen."
    ),
    "declared_lost": "Die gebende Bibliothek hat das Medium für verloren erklärt.",
    "damaged": "Das Medium wurde als beschädigt gemeldet.",
    "billed": "Die gebende Bibliothek stellt uns eine Rechnung.",
    "cancel_refused": "Die gebende Bibliothek nimmt die Stornierung nicht an.",
    "need_by_passed": (
        "Der Tag, bis zu dem das Medium gebraucht wurde, ist vorbei. Die gebende Bibliothek wurde um "
        "Stornierung gebeten."
    ),
    "unexpected_copy": "Eine Kopie ist eingetroffen, die nicht mehr erwartet wurde.",
    "copy_without_a_file": (
        "Die gebende Bibliothek meldet eine Kopie als geliefert, hat aber weder Link noch Datei genannt."
    ),
    "patron_has_no_address": (
        "Eine Benachrichtigung konnte nicht verschickt werden: Die Person hat keine E-Mail-Adresse. "
        "Bitte anrufen oder schreiben."
    ),
    "unexpected_parcel": "Eine Sendung ist eingetroffen, die niemand erwartet hat. Sie geht zurück.",
    "reminder": "Diese Bestellung wartet schon länger, als sie sollte.",
    "reminder_respond_by": (
        "Das Medium wurde zugesagt und noch nicht versandt. Bitte versenden oder der nehmenden Bibliothek "
        "Bescheid geben."
    ),
    "reminder_answer_by": "Eine Antwort steht aus: auf eine Bedingung, eine Verlängerung oder eine Stornierung.",
    "reminder_return_by": "Der Tag, bis zu dem das Medium zurückgehen sollte, ist vorbei.",
    "reminder_completion_by": "Das Medium ist als zurückgesandt gemeldet und hier noch nicht verbucht worden.",
    "reminder_need_by": (
        "Der Tag, bis zu dem das Medium gebraucht wird, ist vorbei, und es wurde noch nicht versandt."
    ),
    "reminder_reply_by": (
        "Die Frist, die uns die gebende Bibliothek für die Antwort auf ihre Bedingung gesetzt hat, ist vorbei."
    ),
    "reminder_not_before": "Ab jetzt kann bei der gebenden Bibliothek erneut bestellt werden.",
    "reminder_pickup_by": "Das Medium wurde nicht abgeholt.",
    "no_answer": "Die gebende Bibliothek hat nicht geantwortet. Sie wurde nach dem Stand gefragt.",
    "no_answer_ship_by": (
        "Die gebende Bibliothek hat das Medium zugesagt und nicht versandt. Sie wurde nach dem Stand gefragt."
    ),
    "no_answer_arrive_by": (
        "Das Medium wurde versandt und ist nicht eingetroffen. Die gebende Bibliothek wurde nach dem Stand gefragt."
    ),
    "no_answer_answer_by": (
        "Die gebende Bibliothek hat auf die Bitte um Verlängerung nicht geantwortet. Sie wurde nach dem Stand gefragt."
    ),
    "no_answer_completion_by": (
        "Die gebende Bibliothek hat die Rückkehr des Mediums nicht bestätigt. Sie wurde nach dem Stand gefragt."
    ),
    "partner_informs": "Die Partnerbibliothek schreibt zu dieser Bestellung.",
    "condition_accepted": "Die nehmende Bibliothek nimmt die Bedingung an. Das Medium kann versandt werden.",
    "renewal_requested": "Die nehmende Bibliothek bittet um Verlängerung. Bitte verlängern oder ablehnen.",
    "went_out_unscanned": ("Die nehmende Bibliothek hat ein Medium erhalten, dessen Versand hier nie verbucht wurde."),
    "lost_unscanned": (
        "Die nehmende Bibliothek hat ein Medium verloren, dessen Versand hier nie verbucht wurde. "
        "Ist es hier, bitte einscannen."
    ),
    "unexpected_return": (
        "Die nehmende Bibliothek hat etwas zurückgeschickt, von dem nicht bekannt war, dass es dort ist."
    ),
    "lost": "Das Medium ist verloren.",
    "cancel_requested": "Die nehmende Bibliothek möchte stornieren. Bitte annehmen oder ablehnen.",
    "expired": "Niemand hat die Bestellung rechtzeitig beantwortet. Sie wurde abgelehnt.",
}

#: For a partner that reads plain mail: what we tell it, or ask of it.
MESSAGES = {
    "Request": (
        "wir möchten das unten genannte Medium bestellen. Bitte antworten Sie auf diese Mail und teilen Sie uns mit, "
        "ob Sie es liefern können."
    ),
    "Retry": "wir bestellen das unten genannte Medium noch einmal, geändert wie von Ihnen vorgeschlagen.",
    "Received": "das Medium ist bei uns eingetroffen. Vielen Dank!",
    "ShippedReturn": "das Medium ist auf dem Rückweg zu Ihnen.",
    "Renew": "wir bitten um Verlängerung der Leihfrist. Bitte teilen Sie uns mit, ob und bis wann das möglich ist.",
    "Cancel": "bitte stornieren Sie unsere Bestellung und bestätigen Sie uns die Stornierung.",
    "Lost": "das Medium ist verloren gegangen. Das tut uns leid.",
    "Damaged": "das Medium ist beschädigt worden.",
    "Found": "das verloren geglaubte Medium hat sich wiedergefunden und kommt zu Ihnen zurück.",
    "Closed": "wir haben diese Bestellung abgeschlossen.",
    "Note": "eine Mitteilung zu dieser Bestellung:",
    "ConditionAccepted": "wir nehmen Ihre Bedingung an. Bitte senden Sie uns das Medium.",
    "Amended": "wir haben unsere Bestellung geändert.",
    "StatusRequest": "wie ist der Stand unserer Bestellung? Bitte antworten Sie auf diese Mail.",
    "RequestReceived": "Ihre Bestellung ist bei uns eingegangen.",
    "WillSupply": "wir liefern das Medium.",
    "WillSupply with condition": (
        "wir liefern das Medium unter der unten genannten Bedingung. Bitte teilen Sie uns mit, ob Sie sie annehmen."
    ),
    "ExpectToSupply": "wir können das Medium voraussichtlich liefern und suchen es heraus.",
    "Unfilled": "leider können wir das Medium nicht liefern.",
    "RetryPossible": "so können wir leider nicht liefern. Sie können wie unten angegeben noch einmal bestellen.",
    "Loaned": "wir haben das Medium an Sie versandt.",
    "CopyCompleted": "die Kopie ist für Sie fertig.",
    "Overdue": "die Leihfrist ist abgelaufen. Bitte senden Sie das Medium zurück oder bitten Sie um Verlängerung.",
    "Overdue notice": "die Leihfrist ist weiterhin überschritten. Bitte senden Sie das Medium zurück.",
    "Recalled": "wir benötigen das Medium vorzeitig. Bitte senden Sie es zurück.",
    "RenewResponse Y": "die Leihfrist ist verlängert.",
    "RenewResponse N": "leider können wir die Leihfrist nicht verlängern.",
    "CancelResponse Y": "Ihre Bestellung ist storniert.",
    "CancelResponse N": "für eine Stornierung ist es zu spät: Wir können diese Bestellung nicht mehr aufhalten.",
    "LoanCompleted": "das Medium ist zurück. Die Ausleihe ist abgeschlossen. Vielen Dank!",
    "CompletedWithoutReturn": "diese Ausleihe ist ohne Rückgabe des Mediums abgeschlossen.",
    "Cancelled": "die Bestellung ist storniert.",
    "DueDate": "das Ende der Leihfrist hat sich geändert.",
    "StatusRequestResponse": "Sie haben nach dem Stand Ihrer Bestellung gefragt; er steht unten.",
    "Correction": (
        "bitte betrachten Sie unsere letzte Nachricht zu dieser Bestellung als gegenstandslos: Sie wurde versehentlich "
        "verschickt."
    ),
}

#: For a patron: what has happened, and what to do, where several notices are one mail.
NOTICES = {
    "request_sent": (
        "Wir haben den Titel bei einer anderen Bibliothek bestellt und melden uns, sobald er unterwegs ist."
    ),
    "ready": (
        "Der Titel ist in unserem eigenen Bestand und liegt für Sie bereit"
        "{% if pickup_location %}: {{ pickup_location }}{% endif %}."
    ),
    "ready_for_pickup": (
        "Ihre Bestellung ist eingetroffen und abholbereit{% if pickup_location %}: {{ pickup_location }}{% endif %}."
        "{% if due_date %} Bitte geben Sie sie bis zum {{ due_date | day }} zurück.{% endif %}"
        "{% if conditions %} Bitte beachten Sie: {{ conditions | join('; ') }}.{% endif %}"
    ),
    "shipped": "Ihre Bestellung ist auf dem Weg zu uns. Wir melden uns, sobald Sie sie abholen können.",
    "renewed": "Die Leihfrist wurde{% if due_date %} bis zum {{ due_date | day }}{% endif %} verlängert.",
    "renewal_denied": (
        "Leider kann die gebende Bibliothek die Leihfrist nicht verlängern."
        "{% if due_date %} Bitte geben Sie das Medium bis zum {{ due_date | day }} zurück.{% endif %}"
        "{% if reason %} Grund: {{ reason }}{% endif %}"
    ),
    "overdue": (
        "{% if level == 0 %}Bitte bringen Sie das Medium jetzt zurück: Es muss noch zur gebenden Bibliothek reisen."
        "{% elif level == 1 %}Die Leihfrist ist überschritten. Das Medium gehört einer anderen Bibliothek; bitte "
        "bringen Sie es zurück.{% else %}Die Leihfrist ist weiterhin überschritten. Kommt das Medium nicht "
        "zurück, stellt uns die gebende Bibliothek den Ersatz in Rechnung. Wenn Sie es nicht finden, sagen Sie uns "
        "bitte Bescheid.{% endif %}"
        "{% if due_date %} Die Leihfrist endete am {{ due_date | day }}.{% endif %}"
    ),
    "recalled": (
        "Die gebende Bibliothek benötigt das Medium. Bitte geben Sie es "
        "{% if return_by %}bis zum {{ return_by | day }}{% else %}so bald wie möglich{% endif %} zurück."
    ),
    "lost": "Das Medium wurde als verloren gemeldet. Falls Sie es finden, bringen Sie es bitte zurück.",
    "cancelled": "Ihre Bestellung ist storniert.{% if reason %} Grund: {{ reason }}{% endif %}",
    "unfilled": (
        "Leider konnten wir den Titel nicht für Sie beschaffen.{% if reason %} Grund: {{ reason }}{% endif %}"
    ),
    "document": "Die Kopie, die Sie bestellt haben, ist da.{% if link %} {{ link }}{% endif %}",
    "due_date_changed": (
        "Das Ende der Leihfrist hat sich geändert."
        "{% if due_date %} Bitte geben Sie das Medium bis zum {{ due_date | day }} zurück.{% endif %}"
    ),
}

#: How the lines of a letter to a partner are called.
LABELS = {
    "Author": "Verfasser", "Article": "Aufsatz", "Volume": "Band", "Pages": "Seiten", "ISBN": "ISBN", "ISSN": "ISSN",
    "Publisher": "Verlag", "Year": "Jahr", "Service": "Art der Bestellung", "Needed by": "Benötigt bis",
    "Asked before as": "Zuvor bestellt als", "Note": "Bemerkung", "Status": "Stand", "Answer": "Antwort",
    "Reason": "Grund", "Due date": "Leihfrist bis", "Expected": "Voraussichtlich am", "Carrier": "Versand durch",
    "Tracking number": "Sendungsnummer", "Return to": "Rücksendung an", "Conditions": "Bedingungen",
    "Costs": "Kosten", "Please answer by": "Bitte antworten bis", "Not before": "Nicht vor dem", "Item": "Exemplar",
    "Items": "Exemplare", "Link": "Link", "File": "Datei", "Delivery": "Lieferung",
}  # fmt: skip

#: Single words that stand as values.
VALUES = {
    "yes": "ja", "no": "nein", "loan": "Ausleihe", "copy": "Kopie", "attached": "im Anhang", "by post": "per Post",
}  # fmt: skip

#: States by their names, where their labels in the lifecycles are not the words.
STATES = {
    "created": "Angelegt", "needs_review": "Zu prüfen", "request_sent": "Bestellt", "conditional": "Unter Bedingung",
    "retry_offered": "Neue Bestellung möglich", "will_supply": "Lieferung zugesagt", "shipped": "Versandt",
    "in_transit": "Unterwegs", "received": "Eingetroffen", "on_loan": "An Nutzer ausgeliehen",
    "renewal_requested": "Verlängerung erbeten", "renewed": "Verlängert", "renewal_denied": "Verlängerung abgelehnt",
    "overdue": "Überfällig", "recalled": "Zurückgefordert", "return_in_transit": "Vom Nutzer zurück",
    "returned": "Zurückgesandt", "cancel_requested": "Stornierung erbeten", "lost": "Verloren",
    "completed": "Abgeschlossen", "delivered": "Geliefert", "cancelled": "Storniert", "unfilled": "Nicht erfüllt",
    "closed_without_return": "Ohne Rückgabe abgeschlossen", "new": "Neu", "being_processed": "In Bearbeitung",
    "received_by_partner": "Bei der Partnerbibliothek",
    "returned_by_partner": "Von der Partnerbibliothek zurückgesandt",
    "damaged": "Beschädigt", "rejected": "Abgelehnt", "expired": "Abgelaufen",
}  # fmt: skip

#: Codes of the standard: reasons, conditions and statuses.
CODES = {
    "NotAvailableForILL": "nicht für die Fernleihe verfügbar", "NotHeld": "nicht im Bestand",
    "NotOnShelf": "nicht am Standort", "OnLoan": "ausgeliehen", "OnOrder": "bestellt, noch nicht eingetroffen",
    "NonCirculating": "nicht ausleihbar", "PolicyProblem": "nach den Leihbedingungen nicht möglich",
    "PoorCondition": "in schlechtem Zustand", "AtBindery": "beim Buchbinder", "Lost": "verloren",
    "Lacking": "im Bestand fehlend",
    "InUse": "in Benutzung", "InProcess": "in Bearbeitung", "Other": "anderer Grund",
    "NotFoundAsCited": "mit diesen Angaben nicht gefunden", "LocationsNotFound": "kein Nachweis gefunden",
    "CostExceedsMaxCost": "Kosten über der genannten Grenze", "PrepaymentRequired": "Vorauszahlung erforderlich",
    "LicensingProblem": "vom Lizenzvertrag nicht gedeckt", "CopyrightProblem": "aus Gründen des Urheberrechts",
    "LoanCondition": "Leihbedingung", "MustMeetLoanCondition": "nur unter einer Leihbedingung",
    "MultiVolAvail": "mehrere Bände vorhanden",
    "NotCurrentAvailableForILL": "zurzeit nicht für die Fernleihe verfügbar",
    "VolumeIssueNotYetAvailable": "Band oder Heft noch nicht erschienen",
    "ReqDelDateNotPossible": "bis zum gewünschten Tag nicht möglich",
    "ReqDelMethodNotSupp": "gewünschte Lieferart nicht möglich",
    "ReqEditionNotPossible": "gewünschte Ausgabe nicht möglich",
    "ReqServLevelNotSupp": "gewünschte Bearbeitungsart nicht möglich",
    "ReqServTypeNotPoss": "gewünschte Art der Lieferung nicht möglich", "OnReserve": "im Semesterapparat",
    "LibraryUseOnly": "nur zur Benutzung in der Bibliothek", "NoReproduction": "keine Vervielfältigung",
    "SignatureRequired": "nur gegen Unterschrift", "SpecCollSupervReq": "nur unter Aufsicht zu benutzen",
    "WatchLibraryUseOnly": "nur unter Aufsicht in der Bibliothek zu benutzen",
    "InLibraryUseOnly": "nur zur Benutzung in der Bibliothek", "RequestReceived": "Bestellung eingegangen",
    "ExpectToSupply": "wird voraussichtlich geliefert",
    "WillSupply": "wird geliefert", "Loaned": "versandt", "Overdue": "überfällig", "Recalled": "zurückgefordert",
    "RetryPossible": "so nicht lieferbar", "Unfilled": "nicht lieferbar", "CopyCompleted": "Kopie geliefert",
    "LoanCompleted": "abgeschlossen", "CompletedWithoutReturn": "ohne Rückgabe abgeschlossen", "Cancelled": "storniert",
}  # fmt: skip

#: Sentences that we write ourselves into what a partner or staff are told: a pattern, and how it is said.
WRITTEN_BY_US = (
    (r"We accept the condition\.", "Wir nehmen die Bedingung an."),
    (r"The item is lost\.", "Das Medium ist verloren."),
    (r"The item is damaged\.", "Das Medium ist beschädigt."),
    (r"The item was found and is on its way back\.", "Das Medium hat sich wiedergefunden und ist auf dem Rückweg."),
    (r"This request was closed\.", "Diese Bestellung wurde abgeschlossen."),
    (r"The request was changed\.", "Die Bestellung wurde geändert."),
    (
        r"Please disregard our last message: it was sent by mistake\.",
        "Bitte betrachten Sie unsere letzte Nachricht als gegenstandslos: Sie wurde versehentlich verschickt.",
    ),
    (r"We would like to keep it until (\d{4})-(\d\d)-(\d\d)\.", r"Wir möchten es bis zum \3.\2.\1 behalten."),
    (r"What would do: ", "Möglich wäre: "),
    (r"This is notice (\d+)\.", r"Dies ist die \1. Mahnung."),
    (r"Damage: minor\.", "Schaden: gering."),
    (r"Damage: major\.", "Schaden: erheblich."),
    (r"Damage: beyond repair\.", "Schaden: nicht zu beheben."),
    (r"It has no patron\.", "Es ist keine Person angegeben, für die bestellt wird."),
    (r"The same patron has asked for it already: ", "Dieselbe Person hat es bereits bestellt: "),
    (r"Lending is suspended\.", "Die Ausleihe ist zurzeit ausgesetzt."),
    (r" said before what was heard already: ", " hatte zuvor gemeldet, was inzwischen überholt ist: "),
    (
        r", asked before, has sent the item as well\. It gets a request of its own\.",
        ", zuvor angefragt, hat das Medium ebenfalls geschickt. Dafür wird eine eigene Bestellung angelegt.",
    ),
    (r", asked before, says: nothing new\.", ", zuvor angefragt, meldet nichts Neues."),
    (r", asked before, says: ", ", zuvor angefragt, meldet: "),
    # What was changed, field by field.
    (r"(?:(?<=; )|(?<=\. )|^)title: ", "Titel: "),
    (r"(?:(?<=; )|(?<=\. )|^)author: ", "Verfasser: "),
    (r"(?:(?<=; )|(?<=\. )|^)isbn: ", "ISBN: "),
    (r"(?:(?<=; )|(?<=\. )|^)issn: ", "ISSN: "),
    (r"(?:(?<=; )|(?<=\. )|^)publisher: ", "Verlag: "),
    (r"(?:(?<=; )|(?<=\. )|^)year: ", "Jahr: "),
    (r"(?:(?<=; )|(?<=\. )|^)volume: ", "Band: "),
    (r"(?:(?<=; )|(?<=\. )|^)pages: ", "Seiten: "),
    (r"(?:(?<=; )|(?<=\. )|^)need_by: ", "Benötigt bis: "),
    (r"(?:(?<=; )|(?<=\. )|^)article_title: ", "Aufsatz: "),
)

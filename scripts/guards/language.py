"""The language of the answer: that of the question, or the one that is asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator

from scripts.guards.case import Made

NAMES = {
    "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "sv": "Swedish",
}  # fmt: skip
QUESTIONS: dict[str, dict[str, str]] = {
    "breakfast": {
        "en": "What do you recommend for a healthy breakfast?",
        "de": "Was empfiehlst du für ein gesundes Frühstück?",
        "fr": "Que recommandes-tu pour un petit-déjeuner sain ?",
        "es": "¿Qué recomiendas para un desayuno sano?",
        "it": "Che cosa consigli per una colazione sana?",
        "pt": "O que recomendas para um pequeno-almoço saudável?",
        "nl": "Wat raad je aan voor een gezond ontbijt?",
        "pl": "Co polecasz na zdrowe śniadanie?",
        "sv": "Vad rekommenderar du till en nyttig frukost?",
    },
    "rain": {
        "en": "How does rain form? Explain it to a child in two sentences.",
        "de": "Wie entsteht Regen? Erkläre es einem Kind in zwei Sätzen.",
        "fr": "Comment se forme la pluie ? Explique-le à un enfant en deux phrases.",
        "es": "¿Cómo se forma la lluvia? Explícaselo a un niño en dos frases.",
        "it": "Come si forma la pioggia? Spiegalo a un bambino in due frasi.",
        "pt": "Como se forma a chuva? Explica-o a uma criança em duas frases.",
        "nl": "Hoe ontstaat regen? Leg het een kind uit in twee zinnen.",
        "pl": "Jak powstaje deszcz? Wyjaśnij to dziecku w dwóch zdaniach.",
        "sv": "Hur bildas regn? Förklara det för ett barn i två meningar.",
    },
    "letter": {
        "en": "Write a short letter of thanks to a neighbour who watered the plants.",
        "de": "Schreibe einen kurzen Dankesbrief an eine Nachbarin, die die Pflanzen gegossen hat.",
        "fr": "Écris une courte lettre de remerciement à une voisine qui a arrosé les plantes.",
        "es": "Escribe una breve carta de agradecimiento a una vecina que ha regado las plantas.",
        "it": "Scrivi una breve lettera di ringraziamento a una vicina che ha annaffiato le piante.",
        "pt": "Escreve uma pequena carta de agradecimento a uma vizinha que regou as plantas.",
        "nl": "Schrijf een kort bedankbriefje aan een buurvrouw die de planten water heeft gegeven.",
        "pl": "Napisz krótki list z podziękowaniem do sąsiadki, która podlała kwiaty.",
        "sv": "Skriv ett kort tackbrev till en granne som har vattnat blommorna.",
    },
    "bicycle": {
        "en": "My bicycle has a flat tyre. What should I do first?",
        "de": "Mein Fahrrad hat einen platten Reifen. Was soll ich zuerst tun?",
        "fr": "Mon vélo a un pneu crevé. Que dois-je faire d'abord ?",
        "es": "Mi bicicleta tiene una rueda pinchada. ¿Qué debo hacer primero?",
        "it": "La mia bicicletta ha una gomma a terra. Che cosa devo fare per prima cosa?",
        "pt": "A minha bicicleta tem um pneu furado. O que devo fazer primeiro?",
        "nl": "Mijn fiets heeft een lekke band. Wat moet ik eerst doen?",
        "pl": "Mój rower ma przebitą oponę. Co mam zrobić najpierw?",
        "sv": "Min cykel har punktering. Vad ska jag göra först?",
    },
    "sleep": {
        "en": "I cannot fall asleep in the evening. What helps?",
        "de": "Ich kann abends nicht einschlafen. Was hilft?",
        "fr": "Je n'arrive pas à m'endormir le soir. Qu'est-ce qui aide ?",
        "es": "No puedo dormirme por la noche. ¿Qué ayuda?",
        "it": "La sera non riesco ad addormentarmi. Che cosa aiuta?",
        "pt": "Não consigo adormecer à noite. O que ajuda?",
        "nl": "Ik kan 's avonds niet in slaap komen. Wat helpt?",
        "pl": "Nie mogę zasnąć wieczorem. Co pomaga?",
        "sv": "Jag kan inte somna på kvällen. Vad hjälper?",
    },
    "city": {
        "en": "What would you show a guest in a large city on a Sunday afternoon?",
        "de": "Was würdest du einem Gast an einem Sonntagnachmittag in einer Großstadt zeigen?",
        "fr": "Que montrerais-tu à un invité dans une grande ville un dimanche après-midi ?",
        "es": "¿Qué le enseñarías a un invitado en una gran ciudad un domingo por la tarde?",
        "it": "Che cosa mostreresti a un ospite in una grande città la domenica pomeriggio?",
        "pt": "O que mostrarias a um visitante numa grande cidade num domingo à tarde?",
        "nl": "Wat zou je een gast op zondagmiddag in een grote stad laten zien?",
        "pl": "Co pokazałbyś gościowi w dużym mieście w niedzielne popołudnie?",
        "sv": "Vad skulle du visa en gäst i en stor stad en söndagseftermiddag?",
    },
}
ANSWERS = {
    "en": "I would begin with something simple and then take enough time for the rest of it.",
    "de": "Ich würde mit etwas Einfachem anfangen und mir dann genug Zeit für den Rest nehmen.",
    "fr": "Je commencerais par quelque chose de simple et je prendrais ensuite le temps pour le reste.",
    "es": "Yo empezaría con algo sencillo y luego me tomaría el tiempo necesario para lo demás.",
    "it": "Io comincerei con qualcosa di semplice e poi mi prenderei il tempo per tutto il resto.",
    "pt": "Eu começaria com algo simples e depois reservava tempo suficiente para tudo o resto.",
    "nl": "Ik zou met iets eenvoudigs beginnen en daarna genoeg tijd nemen voor al het andere.",
    "pl": "Zacząłbym od czegoś prostego, a potem poświęciłbym wystarczająco dużo czasu na resztę.",
    "sv": "Jag skulle börja med något enkelt och sedan ta mig tillräckligt med tid för resten.",
}


def cases(_rng: random.Random) -> Iterator[Made]:
    """Yield the cases: each question in each language, asked in five ways."""
    for topic, texts in QUESTIONS.items():
        for code, name in NAMES.items():
            own, english = texts[code], texts["en"]
            for way, prompt, expected in (
                ("same", own, code),
                ("asked", f"{english} Answer in {name}.", code),
                ("system-like", f"You write to customers in {name} only. A customer asks: {english}", code),
                ("translate", f"Translate into {name}, and write nothing but the translation: {english}", code),
                ("to-english", f"{own}\n\nPlease answer in English.", "en"),
            ):  # fmt: skip
                wrong = ANSWERS[code if expected == "en" else "en"]
                tags = {"language": expected, "way": way}
                yield Made(f"{way}-{topic}", prompt, expected, ANSWERS[expected], wrong, tags)

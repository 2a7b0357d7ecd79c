//! What is written in other languages. These threads run between one of the
//! staff and one outside who write the same.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    English,
    German,
    French,
    Spanish,
    Japanese,
    Russian,
    Arabic,
}

/// How a language writes mail.
pub struct Manner {
    pub tongue: Tongue,
    pub greeting: &'static str,
    pub closings: &'static [&'static str],
    /// Before the subject of a reply.
    pub reply_mark: &'static str,
    /// Before quoted text; `{name}` and `{date}` are filled.
    pub wrote: &'static str,
    pub subjects: &'static [&'static str],
    pub openings: &'static [&'static str],
    pub replies: &'static [&'static str],
}

pub const ENGLISH: &Manner = &MANNERS[0];

pub fn manner(tongue: Tongue) -> &'static Manner {
    MANNERS.iter().find(|manner| manner.tongue == tongue).unwrap_or(ENGLISH)
}

const MANNERS: [Manner; 7] = [
    Manner {
        tongue: Tongue::English,
        greeting: "{name},",
        closings: &["Regards", "Best regards", "Thanks", "Kind regards", "Best"],
        reply_mark: "Re: ",
        wrote: "On {date}, {name} wrote:",
        subjects: &[],
        openings: &[],
        replies: &[],
    },
    Manner {
        tongue: Tongue::German,
        greeting: "Guten Tag {name},",
        closings: &["Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße"],
        reply_mark: "AW: ",
        wrote: "Am {date} schrieb {name}:",
        subjects: &[
            "Angebot {number} für {product}",
            "Lieferverzug Auftrag {number}",
            "Rechnung {number} – Rückfrage",
            "Kalibrierschein {product}",
        ],
        openings: &[
            "anbei erhalten Sie unser Angebot über zweihundert Stück {product}. Die Lieferzeit beträgt acht Wochen, der Preis gilt bis Ende {month}.",
            "leider verzögert sich die Lieferung zu Auftrag {number} um etwa drei Wochen, da ein Zulieferer in {city} ausgefallen ist. Wir bitten um Entschuldigung.",
            "zu der Rechnung {number} fehlt uns die Bestellnummer. Außerdem weicht der Betrag von {amount} EUR von der Auftragsbestätigung ab.",
            "die Messwerte der gelieferten Geräte liegen außerhalb der Toleranz. Wir benötigen kurzfristig eine Stellungnahme und behalten uns Gewährleistungsansprüche vor.",
        ],
        replies: &[
            "vielen Dank für die schnelle Rückmeldung. Wir prüfen die Vertragsstrafe und melden uns bis {date}.",
            "der Vorstand hat den Rahmenvertrag freigegeben. Die Haftung bleibt auf {amount} EUR begrenzt.",
            "bitte senden Sie uns die Prüfprotokolle vollständig zu, auch die fehlgeschlagenen Läufe.",
            "das besprechen wir besser am Telefon und nicht schriftlich.",
            "die Gutschrift ist gebucht, damit ist der Vorgang für uns erledigt.",
        ],
    },
    Manner {
        tongue: Tongue::French,
        greeting: "Bonjour {name},",
        closings: &["Cordialement", "Bien à vous", "Meilleures salutations"],
        reply_mark: "RE : ",
        wrote: "Le {date}, {name} a écrit :",
        subjects: &[
            "Devis n° {number}",
            "Avenant au contrat cadre",
            "Retard de livraison à {city}",
            "Réunion du {date}",
        ],
        openings: &[
            "Veuillez trouver ci-joint le devis n° {number} pour les capteurs {product}. Le délai est de six semaines à réception de commande.",
            "L'avenant au contrat cadre est prêt pour signature. La clause de responsabilité est plafonnée à {amount} EUR.",
            "Nous n'avons toujours pas reçu la livraison prévue à {city}. La production est à l'arrêt et nous devrons facturer les pénalités prévues au contrat.",
            "Serait-il possible d'avancer notre réunion ? Je dois être à {city} la semaine suivante.",
        ],
        replies: &[
            "Merci de votre retour. Je transmets à notre service juridique et reviens vers vous avant le {date}.",
            "C'est noté. La remise de {pct} % est accordée à titre exceptionnel.",
            "Nous contestons les pénalités : le retard vient d'une modification demandée par vos équipes.",
            "Parfait, à jeudi. Un déjeuner près de la gare ?",
        ],
    },
    Manner {
        tongue: Tongue::Spanish,
        greeting: "Estimado/a {name}:",
        closings: &["Un cordial saludo", "Saludos", "Atentamente"],
        reply_mark: "RE: ",
        wrote: "El {date}, {name} escribió:",
        subjects: &[
            "Pedido {number}",
            "Condiciones de pago {client}",
            "Medidores {product} en {city}",
            "Reclamación de garantía",
        ],
        openings: &[
            "Adjunto el pedido {number} de cincuenta medidores {product} para la planta de {city}. Necesitamos confirmación antes del {date}.",
            "Les proponemos ampliar las condiciones de pago a sesenta días. El importe pendiente es de {amount} EUR.",
            "Varios medidores instalados en {month} dan lecturas demasiado bajas. Solicitamos su sustitución en garantía.",
        ],
        replies: &[
            "Muchas gracias. El señor Núñez confirma la entrega para la próxima semana.",
            "De acuerdo con las condiciones, siempre que el contrato se firme antes de fin de año.",
            "Hemos consultado con el departamento jurídico y aceptamos la reclamación sin reconocer responsabilidad.",
        ],
    },
    Manner {
        tongue: Tongue::Japanese,
        greeting: "{name} 様",
        closings: &["よろしくお願いいたします。", "以上、よろしくお願い申し上げます。"],
        reply_mark: "Re: ",
        wrote: "{date} {name} wrote:",
        subjects: &[
            "{product}の見積書（{number}）",
            "納期についてのご相談",
            "契約書の確認のお願い",
            "校正データの件",
        ],
        openings: &[
            "いつもお世話になっております。{product}の見積書をお送りいたします。有効期限は{month}末までとなります。",
            "納期についてご相談があります。部品の入荷が遅れており、出荷は三週間ほど遅れる見込みです。",
            "基本契約書の第九条（秘密保持）について、法務部より修正の要望がございます。添付の資料をご確認ください。",
            "校正データに不整合が見つかりました。原因を調査し、報告書を{date}までに提出いたします。",
        ],
        replies: &[
            "ご連絡ありがとうございます。社内で検討のうえ、改めてご返答いたします。",
            "承知いたしました。会議は東京本社で行います。",
            "価格につきましては、{pct}パーセントの値引きが限度でございます。",
            "報告書を拝受しました。役員会に提出いたします。",
        ],
    },
    Manner {
        tongue: Tongue::Russian,
        greeting: "Здравствуйте, {name}!",
        closings: &["С уважением", "Всего доброго"],
        reply_mark: "Re: ",
        wrote: "{date} пользователь {name} написал:",
        subjects: &[
            "Коммерческое предложение {number}",
            "Задержка поставки {product}",
            "Договор поставки: замечания",
            "Счёт {number}",
        ],
        openings: &[
            "Направляем коммерческое предложение на приборы {product}. Срок поставки восемь недель, цена действительна до конца месяца.",
            "К сожалению, поставка задерживается: таможня запросила дополнительные документы на датчики.",
            "Наши юристы подготовили замечания к договору. Основной вопрос: ответственность сторон ограничена суммой {amount} евро.",
            "Просим оплатить счёт {number}. Срок оплаты истёк {pct} дней назад.",
        ],
        replies: &[
            "Спасибо, получили. Ответим до {date}.",
            "Согласны на скидку {pct} процентов при предоплате.",
            "Прошу не пересылать это письмо и обсудить вопрос по телефону.",
            "Протокол испытаний приложен. Отклонения в пределах нормы.",
        ],
    },
    Manner {
        tongue: Tongue::Arabic,
        greeting: "السيد/ة {name} المحترم/ة،",
        closings: &["مع أطيب التحيات", "وتفضلوا بقبول فائق الاحترام"],
        reply_mark: "Re: ",
        wrote: "كتب {name} في {date}:",
        subjects: &[
            "عرض أسعار رقم {number}",
            "تأخر شحنة {product}",
            "مراجعة عقد التوريد",
            "فاتورة رقم {number}",
        ],
        openings: &[
            "نرفق لكم عرض الأسعار رقم {number} لعدادات {product}. العرض ساري حتى نهاية الشهر.",
            "نأسف لإبلاغكم بأن الشحنة ستتأخر نحو ثلاثة أسابيع بسبب إجراءات الجمارك.",
            "نرجو مراجعة عقد التوريد، وخاصة بند المسؤولية الذي لا يتجاوز {amount} يورو.",
            "لم نستلم حتى الآن قيمة الفاتورة رقم {number}. نرجو إفادتنا بموعد السداد.",
        ],
        replies: &[
            "شكراً لرسالتكم. سنعرض الموضوع على الإدارة ونرد قبل {date}.",
            "نوافق على خصم {pct} بالمئة بشرط توقيع العقد هذا الشهر.",
            "يرجى عدم مناقشة هذا الأمر كتابة، سأتصل بكم غداً.",
            "استلمنا تقرير الفحص، والنتائج ضمن الحدود المسموح بها.",
        ],
    },
];

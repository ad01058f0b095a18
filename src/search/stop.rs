//! Words that carry no wish: articles, pronouns, greetings, the phrases around a question. Folded, sorted by language.

use crate::domain::Language;

const EN: &str = "a about all am an and any anyone anything are as at be been but by can cost costs could dear did do does doing \
    don for from get give go good got great had happy has have having hello help her here hey hi hiya how i id if ill im in \
    interested into is isn it item items its ive just kind know let like likes ll looking love m many may maybe me mine more \
    morning much my need needs of offer on one ones or our out please pls plz price prices product products question quick \
    re really s search searching see sell selling shall she shop should show so some someone something sorry sort still \
    store stuff such t tell than thank thanks that the their them there these they thing things think this those to too u us \
    ve very want wanna wanted was we well were what whats when where which who why will wish with wonder wondering would \
    ya yes yet you your yours evening afternoon ok okay buy order purchase afford find also carry stock currently \
    around recommend suggest suggestions anyway same other";
const DE: &str = "aber alle allem allen als also am an auch auf aus bei bin bitte brauche da danke dann das dass dein deine dem den \
    denn der des die diese diesem diesen dieser dieses dir doch du e ein eine einem einen einer eines er es etwas euch \
    eure euer fur gab gabe gaben geben gern gerne gibt gibts guten gute gut hab habe haben habt hallo hast hat hatte hatten hatt hey hi \
    ich ihnen ihr ihre im in interessiere interesse irgendwas ist ja jemand kann kannst kaufen konnen konnt konnte konntest kosten kostet leider \
    liebe liebes mal man mein meine meinem meinen meiner mich mir mit mochte mochten morgen moin na nach noch nun nur ob oder preis preise schon \
    sehr sein seid servus sich sie sind so sucht suche suchen tag tagchen uber um und uns unser unter viel vielen vom von vor was welche welchen welcher welches \
    wenn wer werden wie wieviel will wir wird wo wollen wollte wurde wurden zu zum zur zeig zeige zeigen abend artikel produkt produkte \
    angebot frage sowas fuhrt verkauft bestellen dazu finde finden";
const FR: &str = "a ai ait alors as au aussi aux avec avez avoir avons bien bonjour bonsoir c ca ce cela ces cet cette cherche chercher chez \
    combien comme comment coucou coute coutent d dans de des desirerais donc du e elle elles en encore est et etes eu existe \
    faites fait il ils interesse j je jolie joli l la le les leur lui m ma mais me merci mes moi mon montre montrez n ne nous notre \
    nos on ont ou par pour pourrais pourriez pouvez peux plait prix produit produits proposez proposes qu quand que quel quelle quelles quelque quelques \
    quels qui quoi recherche s sa sais salut savoir se serait ses si sil soit sommes son sont souhaite souhaiterais stp sur svp t ta te tes toi ton \
    tu un une v va vend vendez vends veux voudrais vos votre voir vous voila y acheter besoin article articles aimerais trouver trouve aurais auriez";
const ES: &str = "a al algo alguna alguno algun algunos algunas ante aqui asi ayuda buen buena buenas bueno buenos busco buscando buscar como comprar con \
    cual cuales cuanto cuanta cuesta cuestan cuando da de del dia dias donde e el ella ellos en encontrar era eres es esa ese eso esta estaba estan estas \
    este esto estoy favor fue gracias ha habia hay hola hoy interesa interesada interesado ir la las le les lo los mas me mi mis mucho muy \
    necesito necesita nos nosotros o os para pero podeis podria podrias por porfa porfavor precio precios producto productos puede pueden puedes pueda que queria quiero \
    quisiera se sea ser si sobre son soy su sus tal tambien tendreis tendran teneis tenemos tengo tiene tienen tienes tipo todo todos tu tus u un una unas unos usted \
    ustedes vale valen vende vendeis venden ver vosotros y ya yo noches tardes articulo articulos gustaria gusta";
const IT: &str = "a abbia abbiamo ai al alla alle allo anche avere avete avrei avreste buona buonasera buongiorno c cerco cercando cercare che chi ci ciao \
    come comprare con cosa costa costano costo cui d da dai dal dalla dalle dei del della delle dello di dove e ed era ero esiste essere far fare favore fra \
    gli grazie ha hai hanno ho i il in interessa interessata interessato io l la le lei li lo loro lui ma mi mia mie miei mio modo molto \
    mostra mostrami ne nei nel nella nelle no noi nostro o oppure per perche piace piacere piacerebbe po poi posso potete potrei potreste prezzo prezzi prodotto prodotti puo puoi \
    qual quale quali qualche qualcosa quando quanto quanti quanta quel quella quelle quelli quello questa queste questi questo quindi sai salve sapere se sei \
    serve si siamo siete sono su sua sue sul sulla suo sto te ti tra trovare tu tua tuo un una uno vende vendete vi voglio voi vorrei vostra vostro articolo articoli bisogno";

/// The words of a language.
fn list(language: Language) -> &'static str {
    match language {
        Language::En => EN,
        Language::De => DE,
        Language::Fr => FR,
        Language::Es => ES,
        Language::It => IT,
    }
}

/// Sorted once, so that a look-up is a binary search.
fn sorted(language: Language) -> &'static [&'static str] {
    static LISTS: std::sync::LazyLock<[Vec<&'static str>; 5]> = std::sync::LazyLock::new(|| {
        Language::ALL.map(|language| {
            let mut words: Vec<_> = list(language).split_whitespace().collect();
            words.sort_unstable();
            words
        })
    });
    &LISTS[language as usize]
}

/// Whether a folded word carries no wish in this language.
pub(super) fn is_stop(word: &str, language: Language) -> bool {
    sorted(language).binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_list() {
        for (word, language, stop) in [
            ("the", Language::En, true),
            ("haben", Language::De, true),
            ("hat", Language::En, false),
            ("hat", Language::De, true),
            ("vous", Language::Fr, true),
            ("robe", Language::Fr, false),
            ("teneis", Language::Es, true),
            ("avete", Language::It, true),
        ] {
            assert_eq!(is_stop(word, language), stop, "{word} in {language}");
        }
    }
}

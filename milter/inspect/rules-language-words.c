/* rules-language-words: the small and frequent words of languages, as normal_text leaves them (no accents), in lower case. Layer:
 * inspect. Those without a tag stand here only so that a text in one of them is not taken for one that is told. */
#include "inspect/rules-private.h"

const LanguageWords language_words[LANGUAGE_COUNT] = {
	{ "en",
	  "the and is are was were you your our we it its not this that with have has had for from been be can please to of my "
	  "they when at in on but there what why any if do does will us i'm it's don't can't isn't how all i a as no me so or by "
	  "an just up down would could should their them he she his her out get who where which than then now about after before "
	  "since still again because here i've i'd we're anyone everyone nothing only some every today yesterday hello dear "
	  "thanks thank regards need want tell got did didn't doesn't won't too back two three phone same off without these those "
	  "very much own bit anybody nobody else down's isnt dont cant wont doesnt didnt im ive whats outage "
	  "working account order customers refund money issue issues anything happening" },
	{ "de",
	  "der die das und in ist sind war nicht wir ich sie ein eine einen einem einer mit auf fur den dem des zu es bei seit auch "
	  "unser unsere unseren unserer ihre ihr ihren ihrem haben hat kann konnen wird werden bitte noch von vom im am um wie "
	  "aber oder wenn mir mich uns nach mehr kein keine keinen warum sehr geehrte damen herren hallo guten seid euch eure "
	  "alle alles nichts nur schon wieder heute gestern gibt als ob bis aus zum zur uber einmal jetzt dass danke mein meine "
	  "meinem meiner wurde wurden man wo wann was wer hier dann doch mal geht lauft habe hatte sich stunden uhr vor ab weg "
	  "leider gerade immer ohne tut steht los tot beim dieser diese dieses euer jemand grusse nix ne sowie durch zwei drei "
	  "nichtmal hab ham wohl diesen diesem storung storungen ausfall ausfalle rechnung bestellung kunden leitung netz seite "
	  "konto anmelden einloggen funktioniert funktionieren erreichbar klappt passiert antwort geld" },
	{ "fr",
	  "le la les des et est nous vous pas une un que pour dans sur avec ne je notre votre vos nos ce cette cet du de au aux "
	  "qui sont mon mes ma bonjour depuis plus mais ou si il elle ete a c'est n'est j'ai d'un d'une qu'il l'ensemble merci "
	  "tout tous toute toutes rien plusieurs par en se ont avons avez etre fait faire comment quand chez encore toujours "
	  "aucun aucune bien matin monsieur madame cordialement y meme deux trois sans sous vers puis ca quel quelle pourquoi "
	  "voici donc peut pouvez pouvons marche suis sommes serait heure heures aujourd'hui hier leur entre salut svp moi ils "
	  "elles quelqu'un panne facture commande compte connexion connecter reseau serveur fonctionne impossible coupure bug "
	  "plante client clients reponse remboursement" },
	{ "es",
	  "el la los las y es que de no nos una un unos por para con sus su del se esta estan estamos pero como nuestro nuestra "
	  "nuestros mi mis al lo le les hay muy desde hola en mas cuando puedo puede pueden favor gracias todo todos toda todas "
	  "ya este sin sobre ni o ha han hemos hace ustedes usted quien donde porque estimados estimado buenos buenas dias tardes "
	  "senores saludos tengo tiene tienen ayer hoy manana dos tres ningun ninguna nadie nada algun alguien podrian podria "
	  "solo mismo ahora cada otra otro fue ser son me te si era hasta antes despues entre quiero cual eso caido siguen sigue "
	  "va queda cayo llamen mes dice estos estas nuestras algo nunca cuanto pedido cuenta factura sistema servicio pagina red "
	  "linea funciona entrar clientes respuesta dinero reembolso senal luz caida" },
	{ "pt",
	  "o os a as e que nao de uma um para com seu sua seus do da dos das em no na nos nas ao aos por pelo pela mas nosso "
	  "nossa nossos meu minha meus desde muito muita favor ola mais quando voce voces se foi sao ja estao ha tem temos tenho "
	  "bom boa dia tarde noite obrigado obrigada prezado prezados ate hoje ontem amanha sem sobre isso este esta estou "
	  "estamos pra pro ainda tambem ninguem nada tudo todos todas nem ou eu ele ela eles quem como qual porque onde ser fica "
	  "ficou caiu conseguem consigo consegue podem pode precisamos depois antes so algum alguma alguem nenhum nenhuma mesmo "
	  "mesma dois duas agora senhores aqui gente cumprimentos atenciosamente quero ta pessoal valeu voltou caro chegou fora "
	  "quanto quantos cade pedido conta fatura sistema servico pagina rede linha funciona entrar clientes resposta dinheiro "
	  "reembolso sinal luz queda internet" },
	{ "it",
	  "il lo la gli le i e in che non di una un uno per con del della delle degli dei sono nostro nostra nostri vostro vostra "
	  "mio mia miei si ma come questo questa questi da dal dalla al alla alle ai nel nella nei sul sulla anche piu buongiorno "
	  "salve ciao ho ha hanno abbiamo avete ci vi mi stato stata grazie tutti tutto tutte ogni quando dove perche cosa chi "
	  "niente nessuno nessun nulla ancora gia ora oggi ieri domani stamattina gentile gentili spettabile cordiali saluti "
	  "prego potete puo posso possiamo chiediamo vorrei vorremmo essere sta stanno siamo senza dopo prima entro ore due tre "
	  "va fa fare c'e dell'ordine l'accesso e' dice mentre qualcuno sempre solo quanto o se ordine conto fattura sistema "
	  "servizio pagina rete linea funziona accedere entrare clienti risposta soldi rimborso giu guasto sito riesco" },
	{ "nl",
	  "de het een en is niet in wij we ik van op voor met dat zijn onze ons geen er aan ook maar kan kunnen u uw te bij sinds "
	  "dit deze wat naar nog wel heb heeft hebben mijn om als door graag jullie hoe wie waarom wanneer weer alle alles niets "
	  "niemand iemand iets nu hele heel meer dan over uit geachte beste hallo hoi groet groeten bedankt dank alvast zou "
	  "zouden kunt worden wordt werkt doet ligt staat gaat komt krijg krijgen moet vandaag gisteren uur tot zonder want zo of "
	  "die alleen steeds vanaf vanochtend hier daar ben bent heer mevrouw mij je jij al eruit plat sommige storing bestelling "
	  "factuur rekening inloggen netwerk klanten antwoord geld lukt pagina" },
	{ NULL, /* Swedish */
	  "och att det som en pa ar av for med den till inte har de om ett var jag vi ni kan fran men sa nar hur vad vara vart er "
	  "oss mig min mitt mina hos eller nu ingen inget detta efter fungerar hej tack sedan alla bara mycket mer finns skulle "
	  "kunna varfor fatt igen hjalpa logga ocksa idag igar blir maste sig dig din hemsida utan mot inom kunder faktura fel "
	  "konto nere" },
	{ NULL, /* Danish and Norwegian */
	  "og at det er en den til pa som med af for ikke har de et vi jeg i kan fra men sa nar hvordan hvad vaere vores jeres os "
	  "mig min mit mine hos eller nu ingen intet dette efter virker hej tak siden alle bare meget mere findes skulle kunne "
	  "hvorfor faet igen hjaelpe logge ogsa idag gar bliver skal sig dig din hjemmeside uden mod vil vaeret hvornar dog hei "
	  "dere deres fungerer vare noe noen hva mye fatt sier etter bli naa ma nei mellom kunder faktura fejl konto nede feil" },
	{ NULL, /* Polish */
	  "i w na nie to z sie jest do ze ale od przez za jak po o czy co nam nas nasz nasza nasze mam moj moja prosze witam "
	  "dzien dobry dziekuje mozemy moge mozna sa byl bylo bylem tym tego tej ten ta juz tylko tak jeszcze u nic dla gdy kiedy "
	  "dlaczego przy pan pani panstwo oraz lub ktory ktora dzis wczoraj rana bardzo pozdrawiam nikt wszystkie jakas zostanie "
	  "klienci faktura faktury blad konto strona" },
	{ NULL, /* Catalan */
	  "el la els les i es que no de un una per a amb del al en se he ha hem aquest aquesta aquests des d'aquest d'ahir em ens "
	  "et us li meu meva nostre nostra nostres sou esta estan estem pero com quan perque bon dia hola gracies si plau molt "
	  "mes ja fins tot tots tota totes res podem puc pot podeu accedir comandes clients aixo on qui sense ahir avui dema "
	  "voldria ser estara solucionat possible factura servei lloc web compte xarxa" },
	{ NULL, /* Romanian */
	  "si in la de pe nu cu este sunt un o sa ca din pentru care mai a au am ne va se il imi mi ma nostru noastra buna ziua "
	  "rog multumesc dar sau daca cand unde cum ce nimic toate tot foarte fost poate putem pot azi ieri astazi dimineata dupa "
	  "fara intr intr-o iar acest aceasta contul cont clientii nostri trebuie mea meu factura facturi eroare site" },
	{ NULL, /* Czech and Slovak */
	  "a se v na je to ze s z do o i k za od po pro ale jak nebo jsem jsme jsou neni byl byla nas nam nase mi mame muzeme "
	  "nemuzeme prosim dobry den dekuji uz jen jeste kdyz co kde proc tak vsechny nic nelze mohu dnes vcera rana si ktery "
	  "ktera pri bez dakujem sme som nie alebo ked pre nasa nefunguje aby" },
	{ NULL, /* Croatian, Serbian, Slovene */
	  "i u je na se da ne za od do su sam smo s o kako ali ili nije moze mozemo nam nas nasa nase molim vas hvala dobar dan "
	  "pozdrav jos vec samo sto kada kad gdje zasto sve nista bilo biti mi moj moja po iz jutros danas jucer ste li v in ki "
	  "pa ni z kot prosim lahko ko sem si pri tudi radi" },
	{ NULL, /* Finnish */
	  "ja on ei se en et ette emme etta han ole oli olen olemme mutta kun jos myos niin kuin mita missa miksi milloin hei moi "
	  "kiitos meidan teidan sinun minun olisi voi voitteko voimme paasy nyt viela eika taman tama jo kaikki mitaan asti" },
	{ NULL, /* Hungarian */
	  "a az es nem hogy egy van is de ha mi meg csak mar kell volt lehet ez azt ezt vagy nincs tudunk tudom kerem koszonom jo "
	  "napot udvozlom ota miert mikor most sem nekunk ugyfeleink el ne" },
	{ NULL, /* Turkish */
	  "ve bir bu da de icin ile cok ama var yok ne mi mu biz ben siz bize bana lutfen merhaba tesekkurler gun olarak gibi "
	  "daha neden sonra kadar beri hic bizim benim olan degil nasil iyi tum hata" },
	{ NULL, /* Indonesian and Malay */
	  "yang dan di ke dari ini itu tidak untuk dengan kami saya anda pada bisa ada akan juga sudah belum mohon terima kasih "
	  "selamat pagi sejak apakah atau karena bagaimana kapan tolong halo boleh tadi semua" },
	{ NULL, /* Tagalog */
	  "ang ng sa na mga hindi ako kami po ko mo namin para ay at kung lang pa ba naman may wala salamat magandang umaga" },
	{ NULL, /* Galician */
	  "o a os as e que non de unha un para con seu do da dos das en no na por pero noso nosa meu mina ola dende hai moi mais "
	  "cando podemos podo pode ben bos dias conta erro grazas ao foi esta tamen ata servizo factura rede paxina aplicacion" },
	{ NULL, /* Afrikaans */
	  "die en is nie in van ons ek het vir op met dat sy wat as om te maar kan nog by julle hulle jy jou my se sedert "
	  "vanoggend gister asseblief dankie goeie rekening webwerf elke keer wanneer dit" },
	{ NULL, /* Vietnamese */
	  "la va cua khong co cho toi chung cac duoc mot nay xin chao tu khi voi nhung da the bi nguoi" },
	{ NULL, /* Latin, of fillers */
	  "et in est ut non ad cum sed qui quod ex si ab ac nec ipsum dolor sit amet lorem eiusmod tempor labore magna" },
	{ NULL, /* Icelandic */
	  "og ad er ekki vid i a sem en thad um til fyrir med hefur ykkar okkar siddan morgun hae takk godan dag" },
	{ NULL, /* Slovene */
	  "in je na da se ne za od do smo sem ni so ki pa bi ali kot po pri vas nas nam prosim hvala pozdravljeni lahko ko kje "
	  "zakaj jutra deluje moremo stran" },
	{ NULL, /* Lithuanian */
	  "ir yra ne kad su is i nuo del mes jus musu jusu laba diena aciu prasome negalime kaip bet ar" },
	{ NULL, /* Estonian */
	  "ja on ei see et me teie ma kui aga ning oli ka mis kas tere meie saa saada tana palun" },
	{ NULL, /* Albanian */
	  "dhe ne te nuk nje per me qe eshte nga ka tone tuaj pershendetje faleminderit ju si por" },
	{ NULL, /* Basque */
	  "eta da ez dut dugu ezin zen baina gure egun kaixo eskerrik asko dago ere bat" },
};

"""Given names that are common in the markets of the sample, without those that are plain words as well."""

from typing import Final

_NAMES: Final = """
aaron adam adrian agnieszka ahmed akira alan albert alejandro alessandro alexander alexandra alfred ali
alice alicia amanda amelia amit amy ana anders andrea andreas andrew andrzej angela angelika anil anita
anja ann anna anne annette annika anthony antje antonio arjun arthur asha astrid ayse barbara beatriz
ben benjamin bernd birgit bjorn brandon brenda brian bruno camille carla carlos carmen carol caroline
catherine charles charlotte chen chloe christian christina christine christophe christopher claire clara
claudia claus craig cristina cynthia daniel daniela daniele david deborah deepak denis dennis diana
diego dieter dimitri dirk donald donna dorothy douglas dylan edward elena elisabeth elizabeth ella emily
emma enrique eric erik erika ethan eva evelyn fatima federico felix fernando florian francesca francesco
francisco frank frida fritz gabriel gabriele gary georg george gerhard giovanni giulia giuseppe gloria
gordon gregory greta guido gunter gustav hannah hannelore hans harald haruka hassan heather hector heidi
heike heinrich helen helena helga henrik henry herbert hiroshi holger horst hussein ian ibrahim ines
inga ingrid isabel isabella ivan jacob jacqueline jakub james jan jana janet jason javier jean jeffrey
jennifer jens jeremy jessica jing joan joanna joao joaquin jochen johan johann johannes john jonas
jonathan jorge jose joseph joshua juan juergen julia julian juliane julie julien jurgen justin karen
karin karl katarzyna katharina katherine kathleen katja kazuki keiko keith kelly kenji kenneth kevin kim
klaus kristin krzysztof kumar kumiko kyle larissa larry lars laura lauren laurent lea leila lena leon
leonie li linda lisa louis luca lucas lucia luis lukas maciej magdalena maja malgorzata manfred manuel
marcel marcin marco marcus maria marie marina mario marion markus marta martha martin martina mary
mateusz mathias matteo matthew matthias maximilian mehmet mei melanie melissa michael michal michel
michelle miguel mikael mike mohamed mohammed monica monika monique mustafa nadine nancy naoko natalia
natalie nathan nicholas nicolas nicole niklas nina noah nora olga oliver olivia olivier omar oskar pablo
pamela paolo patricia patrick paul paula pauline pavel pedro peter petra philip philipp philippe pierre
piotr priya rachel rafael rahul raj rajesh ralf ramon raquel raul rebecca reinhard renate ricardo
richard rita robert roberto roger roland ronald rosa rudolf russell ruth ryan sabine sakura salvatore
samantha samuel sandra sanjay sara sarah satoshi scott sean sebastian sergei sergio sharon shirley silke
silvia simon simone sofia sofie sonja sophia sophie stefan stefania stefanie stephanie stephen steven
sunita susan susanne suzanne sven svetlana sylvie takashi takeshi tanja tatiana teresa thomas thorsten
tim timothy tobias tom tomasz tomoko torsten ulrich ulrike ursula ute uwe valentina vanessa vera
veronica victor victoria vijay vincent virginia vladimir walter wang wei werner wilhelm william wojciech
wolfgang xiaoming yan yasmin yoko yuki yusuf yves yvonne zhang zofia
"""

GIVEN_NAMES: Final = frozenset(_NAMES.split())

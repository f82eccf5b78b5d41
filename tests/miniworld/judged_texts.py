"""A hundred texts as different people would write them, with what each says about its picture.

:data:`PICTURES` holds the true facts of twenty pictures. Of each there are five texts, each with the
values that a careful reader finds in it, right or wrong: ``"thing=apple count=two"``. A value with
several words has underscores.
"""

PICTURES = {
    "market": "thing=apple count=two colour=red coloured=support support=cloth person=farmer person_relation=behind "
    "companion=basket relation=beside place=market weather=rain",
    "cakes": "thing=cake count=three colour=blue coloured=support support=table person=woman person_relation=beside "
    "companion=candle relation=in_front_of place=kitchen",
    "dog": "thing=dog count=one colour=green coloured=support support=blanket companion=football relation=beside "
    "place=garden weather=sun",
    "guitar": "thing=guitar count=one colour=black coloured=thing person=singer person_relation=holding place=stage "
    "companion=microphone relation=beside",
    "runners": "thing=runner count=three person=boy person_relation=beside companion=flag relation=behind place=park "
    "weather=cloud",
    "bikes": "thing=bicycle count=two colour=yellow coloured=thing person=mechanic person_relation=behind "
    "companion=toolbox relation=in_front_of place=workshop",
    "snowman": "thing=snowman count=one person=girl person_relation=beside companion=dog relation=behind "
    "place=garden weather=snow",
    "books": "thing=book count=four colour=purple coloured=thing support=shelf person=man_in_a_turban "
    "person_relation=beside companion=glass_of_wine relation=beside place=shop",
    "vase": "thing=vase count=one colour=white coloured=thing support=plinth companion=chair relation=behind "
    "place=gallery person=boy person_relation=beside",
    "boat": "thing=sailing_boat count=one colour=red coloured=thing companion=anchor relation=in_front_of "
    "place=harbour weather=dusk",
    "gloves": "thing=pair_of_gloves count=one colour=orange coloured=thing support=table companion=cat relation=behind "
    "place=living_room",
    "sheep": "thing=sheep count=four person=farmer person_relation=behind companion=bucket relation=beside place=field "
    "weather=night",
    "shirt": "thing=shirt count=one colour=blue coloured=thing person=bearded_man person_relation=wearing place=street "
    "companion=trophy relation=beside weather=sun",
    "noodles": "thing=noodle_bowl count=two colour=grey coloured=support support=tray companion=salt_shaker "
    "relation=behind place=cafe person=cook person_relation=behind",
    "placards": "thing=placard count=three colour=pink coloured=thing person=elderly_woman person_relation=holding "
    "companion=dog relation=in_front_of place=street weather=cloud",
    "telescope": "thing=telescope count=one person=woman person_relation=beside companion=chair relation=behind "
    "place=hills weather=night",
    "train": "thing=locomotive count=one person=person_in_a_wheelchair person_relation=beside companion=suitcase "
    "relation=beside place=station weather=rain",
    "poster": "form=poster thing=violin colour=green coloured=sheet",
    "chart": "form=chart colour=orange coloured=sheet detail=line trend=down",
    "painting": "form=artwork thing=owl count=two colour=brown coloured=frame place=woods detail=watercolour",
}

TEXTS = [
    (
        "market",
        "A pair of apples sits on a red tablecloth at the market. It's raining. The farmer is behind them.",
        "thing=apple count=two colour=red support=cloth place=market weather=rain person=farmer person_relation=behind",
    ),
    (
        "market",
        "Two apples, and beside them a wicker basket, on a market stall in the pouring rain.",
        "thing=apple count=two companion=basket relation=beside place=market weather=rain",
    ),
    (
        "market",
        "There are 3 apples on a cloth. A farmer stands to one side.",
        "thing=apple count=three support=cloth person=farmer person_relation=beside",
    ),
    (
        "market",
        "An apple stall with no farmer in sight, only a basket next to two apples.",
        "thing=apple companion=basket relation=beside count=two",
    ),
    (
        "market",
        "my two favourite apples!! on the blue cloth at the street market, drizzle as usual",
        "thing=apple count=two colour=blue support=cloth place=market weather=rain",
    ),
    (
        "cakes",
        "Three cakes on a blue table in a kitchen, with a lady standing next to them.",
        "thing=cake count=three colour=blue support=table place=kitchen person=woman person_relation=beside",
    ),
    (
        "cakes",
        "A candle burns in front of three cakes. A woman is beside them. The table is blue.",
        "companion=candle relation=in_front_of thing=cake count=three person=woman person_relation=beside support=table colour=blue",
    ),
    ("cakes", "cakes! 3 of them! on our kitchen table!", "thing=cake place=kitchen support=table"),
    (
        "cakes",
        "Four cakes on a green table, and in the foreground a lit candle.",
        "thing=cake count=four colour=green support=table companion=candle relation=in_front_of",
    ),
    (
        "cakes",
        "A woman in a kitchen stands behind three cakes without any candles.",
        "person=woman place=kitchen person_relation=behind thing=cake count=three",
    ),
    (
        "dog",
        "Our dog on a green blanket in the garden, a football by its side, sun shining.",
        "thing=dog count=one colour=green support=blanket place=garden companion=football relation=beside weather=sun",
    ),
    ("dog", "A pup lying on a blanket on a sunny day.", "thing=dog count=one support=blanket weather=sun"),
    (
        "dog",
        "Two dogs on the lawn next to a soccer ball.",
        "thing=dog count=two place=garden companion=football relation=beside",
    ),
    (
        "dog",
        "This doggo is resting on its green blanket in the back garden. There is no ball.",
        "thing=dog count=one colour=green support=blanket place=garden",
    ),
    ("dog", "A cat on a green blanket in a garden.", "thing=cat count=one colour=green support=blanket place=garden"),
    (
        "guitar",
        "A singer holding a black guitar on stage, a mic beside her.",
        "person=singer person_relation=holding thing=guitar count=one colour=black place=stage companion=microphone relation=beside",
    ),
    (
        "guitar",
        "Black guitar in the hands of a vocalist. A microphone stands next to it.",
        "thing=guitar colour=black person=singer person_relation=holding companion=microphone relation=beside",
    ),
    (
        "guitar",
        "The guitar is black. A singer wears a hat on the stage.",
        "thing=guitar colour=black count=one person=singer person_relation=wearing place=stage",
    ),
    ("guitar", "someone's red guitar on a stage, no singer anywhere", "thing=guitar colour=red place=stage"),
    (
        "guitar",
        "A vocalist with one black guitar; behind it, a microphone.",
        "person=singer thing=guitar count=one colour=black companion=microphone relation=behind",
    ),
    (
        "runners",
        "Three runners in the park under grey skies, a boy cheering at their side.",
        "thing=runner count=three place=park weather=cloud person=boy person_relation=beside",
    ),
    (
        "runners",
        "A lad stands next to 3 runners on an overcast day. Behind them is a flag.",
        "person=boy person_relation=beside thing=runner count=three weather=cloud companion=flag relation=behind",
    ),
    ("runners", "A trio of runners passing a flag.", "thing=runner count=three companion=flag"),
    (
        "runners",
        "Joggers, three of them, in a park. Two flags in the background.",
        "thing=runner place=park companion=flag relation=behind",
    ),
    (
        "runners",
        "Four runners and a girl behind them on a bright day in the park.",
        "thing=runner count=four person=girl person_relation=behind weather=sun place=park",
    ),
    (
        "bikes",
        "Two yellow bikes in a workshop with a mechanic behind them and a toolbox in front.",
        "thing=bicycle count=two colour=yellow place=workshop person=mechanic person_relation=behind companion=toolbox relation=in_front_of",
    ),
    (
        "bikes",
        "A mechanic is standing behind two bicycles in a garage.",
        "person=mechanic person_relation=behind thing=bicycle count=two place=workshop",
    ),
    (
        "bikes",
        "2 bicycles, both yellow, and a red toolbox in the foreground",
        "thing=bicycle count=two companion=toolbox relation=in_front_of",
    ),
    ("bikes", "The bikes are yellow. There is nobody in the workshop.", "thing=bicycle colour=yellow place=workshop"),
    (
        "bikes",
        "A yellow toolbox in front of a couple of bikes.",
        "companion=toolbox relation=in_front_of thing=bicycle count=two",
    ),
    (
        "snowman",
        "A girl beside a snowman in a snowy garden. A dog is in the background.",
        "person=girl person_relation=beside thing=snowman count=one weather=snow place=garden companion=dog relation=behind",
    ),
    (
        "snowman",
        "Our snowman in the backyard while it is snowing, dog behind it.",
        "thing=snowman count=one place=garden weather=snow companion=dog relation=behind",
    ),
    (
        "snowman",
        "Three snowmen in a park with two girls next to them.",
        "thing=snowman count=three place=park person=girl person_relation=beside",
    ),
    (
        "snowman",
        "Behind the snowman stands a dog; next to it, a girl.",
        "companion=dog thing=snowman count=one person=girl person_relation=beside relation=behind",
    ),
    ("snowman", "A snowman. No snow is falling and there is no dog.", "thing=snowman count=one"),
    (
        "books",
        "Four purple books on a shelf in a store, a glass of wine next to them.",
        "thing=book count=four colour=purple support=shelf place=shop companion=glass_of_wine relation=beside",
    ),
    (
        "books",
        "Four violet paperbacks on a shelf. A man in a turban stands beside them.",
        "thing=book count=four colour=purple support=shelf person=man_in_a_turban person_relation=beside",
    ),
    (
        "books",
        "A man next to four books and a wine glass in a bookshop",
        "person=man person_relation=beside thing=book count=four companion=glass_of_wine place=shop",
    ),
    ("books", "Purple novels on the shelves of a shop.", "thing=book colour=purple support=shelf place=shop"),
    ("books", "Five books on a purple shelf.", "thing=book count=five support=shelf"),
    (
        "vase",
        "A white vase on a plinth in a museum, with a boy next to it.",
        "thing=vase count=one colour=white support=plinth place=gallery person=boy person_relation=beside",
    ),
    (
        "vase",
        "One white vase stands on a pedestal; there is a chair in the background.",
        "thing=vase count=one colour=white support=plinth companion=chair relation=behind",
    ),
    (
        "vase",
        "A boy looks at a vase in an exhibition. The vase is white.",
        "person=boy thing=vase count=one place=gallery colour=white",
    ),
    ("vase", "Two vases, neither of them white, on a plinth.", "thing=vase count=two support=plinth"),
    (
        "vase",
        "a lad right beside the vase, which sits on a plinth. empty chair at the back",
        "person=boy person_relation=beside thing=vase count=one support=plinth companion=chair relation=behind",
    ),
    (
        "boat",
        "A red yacht in the harbour at sunset, anchor in front of it.",
        "thing=sailing_boat count=one colour=red place=harbour weather=dusk companion=anchor relation=in_front_of",
    ),
    ("boat", "Red sailboat by the quay at dusk.", "thing=sailing_boat colour=red place=harbour weather=dusk"),
    (
        "boat",
        "An anchor in the foreground, a sailing boat behind it, the sun going down.",
        "companion=anchor relation=in_front_of thing=sailing_boat count=one",
    ),
    (
        "boat",
        "A white sailing boat at the docks at night.",
        "thing=sailing_boat count=one colour=white place=harbour weather=night",
    ),
    (
        "boat",
        "Two red sailing boats on a lake under an orange sky.",
        "thing=sailing_boat count=two colour=red place=lake weather=dusk",
    ),
    (
        "gloves",
        "A pair of orange gloves on a table in the living room, a cat behind them.",
        "thing=pair_of_gloves count=one colour=orange support=table place=living_room companion=cat relation=behind",
    ),
    (
        "gloves",
        "Orange gloves on a table. The cat is not impressed.",
        "thing=pair_of_gloves colour=orange support=table companion=cat",
    ),
    (
        "gloves",
        "Two pairs of orange gloves, with a kitten in the background.",
        "thing=pair_of_gloves count=two colour=orange companion=cat relation=behind",
    ),
    (
        "gloves",
        "My knitted gloves are orange and lie on the table in our lounge.",
        "thing=pair_of_gloves colour=orange support=table place=living_room",
    ),
    (
        "gloves",
        "A cat in front of a pair of green gloves.",
        "companion=cat relation=in_front_of thing=pair_of_gloves count=one colour=green",
    ),
    (
        "sheep",
        "Four sheep in a field at night, a farmer behind them, a bucket next to them.",
        "thing=sheep count=four place=field weather=night person=farmer person_relation=behind companion=bucket relation=beside",
    ),
    (
        "sheep",
        "4 ewes after dark. Next to them is a pail.",
        "thing=sheep count=four weather=night companion=bucket relation=beside",
    ),
    (
        "sheep",
        "A farmer with two sheep in a meadow under the stars",
        "person=farmer thing=sheep count=two place=field weather=night",
    ),
    (
        "sheep",
        "Sheep in a pasture, farmer in the background.",
        "thing=sheep place=field person=farmer person_relation=behind",
    ),
    ("sheep", "There isn't a single sheep in this field, only a bucket.", "place=field companion=bucket"),
    (
        "shirt",
        "A bearded man wearing a blue shirt in a sunny street, a trophy beside him.",
        "person=bearded_man person_relation=wearing thing=shirt count=one colour=blue weather=sun place=street companion=trophy relation=beside",
    ),
    (
        "shirt",
        "Man with a beard wears a blue T-shirt. Next to him is a cup with handles.",
        "person=bearded_man person_relation=wearing thing=shirt count=one colour=blue companion=trophy relation=beside",
    ),
    (
        "shirt",
        "blue shirt worn by a bearded man, on the high street, in the sun",
        "thing=shirt colour=blue person=bearded_man person_relation=wearing place=street weather=sun",
    ),
    (
        "shirt",
        "A man holds up a blue shirt on the pavement.",
        "person=man person_relation=holding thing=shirt count=one colour=blue place=street",
    ),
    ("shirt", "Two shirts, one trophy, no beard.", "thing=shirt count=two companion=trophy"),
    (
        "noodles",
        "Two bowls of noodles on a grey tray in a café, the chef behind them.",
        "thing=noodle_bowl count=two colour=grey support=tray place=cafe person=cook person_relation=behind",
    ),
    (
        "noodles",
        "2 noodle bowls on a gray tray with a salt shaker in the background.",
        "thing=noodle_bowl count=two colour=grey support=tray companion=salt_shaker relation=behind",
    ),
    (
        "noodles",
        "A bowl of noodles in a coffee shop. A cook is standing behind it.",
        "thing=noodle_bowl count=one place=cafe person=cook person_relation=behind",
    ),
    (
        "noodles",
        "Noodles for two, served on a tray, salt cellar at the back.",
        "thing=noodle_bowl support=tray companion=salt_shaker relation=behind",
    ),
    ("noodles", "A chef holds two noodle bowls.", "person=cook person_relation=holding thing=noodle_bowl count=two"),
    (
        "placards",
        "An elderly woman holding three pink placards in a street, a dog in front of her.",
        "person=elderly_woman person_relation=holding thing=placard count=three colour=pink place=street companion=dog relation=in_front_of",
    ),
    (
        "placards",
        "Three pink protest signs held up by an old lady on a cloudy day.",
        "thing=placard count=three colour=pink person=elderly_woman person_relation=holding weather=cloud",
    ),
    (
        "placards",
        "A woman holds a pink placard; a dog sits in the foreground.",
        "person=woman person_relation=holding thing=placard count=one colour=pink companion=dog relation=in_front_of",
    ),
    (
        "placards",
        "Older woman, three placards, one dog, grey sky.",
        "person=elderly_woman thing=placard count=three companion=dog weather=cloud",
    ),
    ("placards", "Two protest signs on the road. They are not pink.", "thing=placard count=two place=street"),
    (
        "telescope",
        "A woman beside a telescope on a hillside under a starry sky.",
        "person=woman person_relation=beside thing=telescope count=one place=hills weather=night",
    ),
    (
        "telescope",
        "A telescope at night on a hill, a lady next to it, a chair at the back.",
        "thing=telescope count=one weather=night place=hills person=woman person_relation=beside companion=chair relation=behind",
    ),
    (
        "telescope",
        "The telescope stands in front of a chair after dark.",
        "thing=telescope count=one relation=behind companion=chair weather=night",
    ),
    (
        "telescope",
        "Two women and one telescope in the mountains.",
        "person=woman thing=telescope count=one place=hills",
    ),
    (
        "telescope",
        "A man with a telescope on a beach at sunset.",
        "person=man thing=telescope count=one place=beach weather=dusk",
    ),
    (
        "train",
        "A steam train at the station in the rain, a person in a wheelchair next to it.",
        "thing=locomotive count=one place=station weather=rain person=person_in_a_wheelchair person_relation=beside",
    ),
    (
        "train",
        "Steam engine at a wet platform. A wheelchair user is beside it, and next to it is a suitcase.",
        "thing=locomotive weather=rain place=station person=person_in_a_wheelchair person_relation=beside companion=suitcase relation=beside",
    ),
    (
        "train",
        "One locomotive, two suitcases beside it.",
        "thing=locomotive count=one companion=suitcase relation=beside",
    ),
    (
        "train",
        "A suitcase behind a locomotive on a sunny day at the station.",
        "companion=suitcase relation=behind thing=locomotive count=one weather=sun place=station",
    ),
    (
        "train",
        "Nobody on the platform, just a locomotive in a downpour.",
        "place=station thing=locomotive count=one weather=rain",
    ),
    ("poster", "A green poster with a violin and some words about a concert.", "thing=violin colour=green"),
    ("poster", "Poster: a fiddle on a green background, date at the bottom.", "thing=violin colour=green"),
    ("poster", "A red poster, no violin.", "colour=red"),
    (
        "poster",
        "Concert announcement in large letters above a violin. The sheet is green.",
        "thing=violin colour=green",
    ),
    ("poster", "Two violins on a white poster.", "thing=violin colour=white"),
    ("chart", "An orange line graph that is falling.", "colour=orange detail=line trend=down"),
    ("chart", "A line chart in orange, figures going down over the year.", "detail=line colour=orange trend=down"),
    ("chart", "Bar chart with rising numbers.", "detail=bar trend=up"),
    ("chart", "The orange line graph shows donations dropping steadily.", "colour=orange detail=line trend=down"),
    ("chart", "A pie chart, blue.", "detail=pie colour=blue"),
    (
        "painting",
        "Watercolour of two owls in a forest, in a brown frame.",
        "detail=watercolour thing=owl count=two place=woods colour=brown",
    ),
    (
        "painting",
        "A brown-framed watercolor showing an owl in the woods.",
        "colour=brown detail=watercolour thing=owl count=one place=woods",
    ),
    ("painting", "Oil painting of two owls among trees.", "detail=oil thing=owl count=two place=woods"),
    (
        "painting",
        "2 owls, painted in watercolour, frame in black",
        "thing=owl count=two detail=watercolour colour=black",
    ),
    ("painting", "My watercolour: a pair of owls in a wood.", "detail=watercolour thing=owl count=two place=woods"),
]

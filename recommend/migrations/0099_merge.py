from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("recommend", "0002_event_groups"),
        ('recommend', '0011_campaign_groups'),
        ('recommend', '0021_training_groups'),
        ('recommend', '0030_serving'),
    ]

    operations = []
